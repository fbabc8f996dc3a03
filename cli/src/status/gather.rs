//! Counts what the journal's files say: one walk over the lines, then the small files beside them.

use std::{collections::BTreeMap, convert::Infallible, ops::ControlFlow};

use tracing_llm_audit::{
    entry::{Entry, Kind, StreamId, schema::key},
    journal::{FileError, SegmentInfo},
    json,
};

use super::{CheckpointShown, FindingShown, Follower, Status, Stream};
use crate::{
    finding::Finding,
    journal::{Item, Journal},
};

/// Returns the status, and whether everything could be read.
pub(super) fn gather(directory: String, journal: &Journal) -> (Status, bool) {
    let mut counts = Counts::default();
    let Ok(()) = journal.walk(|segment, item| {
        counts.item(segment, &item);
        Ok::<_, Infallible>(ControlFlow::Continue(()))
    });
    counts.beside(journal);
    let Counts {
        mut status,
        streams,
        could_not_read,
    } = counts;
    let segments = journal.segments();
    status.directory = directory;
    status.segments = segments.len() as u64;
    status.bytes = segments.iter().map(|segment| segment.bytes).sum();
    status.first_segment = segments.first().map(|segment| segment.name.to_string());
    status.last_segment = segments.last().map(|segment| segment.name.to_string());
    status.streams = streams.into_values().collect();
    (status, !could_not_read)
}

#[derive(Default)]
struct Counts {
    status: Status,
    streams: BTreeMap<StreamId, Stream>,
    could_not_read: bool,
}

impl Counts {
    fn item(&mut self, segment: &SegmentInfo, item: &Item) {
        match item {
            Item::Entry(entry) => self.entry(segment, &entry.as_entry()),
            Item::Finding(finding) => self.finding(finding),
        }
    }

    fn entry(&mut self, segment: &SegmentInfo, entry: &Entry<'_>) {
        let position = entry.position();
        let time = entry.text(key::TIMESTAMP);
        match position.kind {
            Kind::Call => self.record(time.clone()),
            Kind::Gap => {
                let count = json::member(entry.get(key::EVENT).unwrap_or_default(), "count");
                self.status.dropped += count.and_then(json::unsigned).unwrap_or(0);
            }
            _ => {}
        }
        let stream = self.streams.entry(position.stream).or_default();
        stream.id = position.stream.to_string();
        let segment = segment.name.to_string();
        if stream.last_segment.as_ref() != Some(&segment) {
            stream.segments += 1;
            stream.last_segment = Some(segment);
        }
        stream.count(entry);
        stream.newest_entry = time;
    }

    /// Adds what lies beside the segments: the newest checkpoints, the cursors, what was set aside.
    fn beside(&mut self, journal: &Journal) {
        let reader = journal.reader();
        for head in self.or_finding(reader.heads()) {
            let Some(stream) = self.streams.get_mut(&head.stream) else {
                continue;
            };
            stream.checkpoint = head.claim.map(|note| CheckpointShown {
                uncovered: stream.next_seq().saturating_sub(note.checkpoint.size),
                size: note.checkpoint.size,
                origin: note.checkpoint.origin,
            });
        }
        for found in self.or_finding(reader.cursors()) {
            let Some(stream) = self.streams.get_mut(&found.stream) else {
                continue;
            };
            let next_seq = found.cursor.next_seq;
            let lag = stream.next_seq().saturating_sub(next_seq);
            stream.followers.push(Follower {
                name: found.follower,
                next_seq,
                lag,
            });
        }
        for stream in self.streams.values_mut() {
            stream.followers.sort_by(|a, b| a.name.cmp(&b.name));
        }
        self.status.quarantined = self.or_finding(reader.quarantined()).len() as u64;
    }

    /// What could not be read is a finding, and nothing.
    fn or_finding<T>(&mut self, read: Result<Vec<T>, FileError>) -> Vec<T> {
        read.unwrap_or_else(|error| {
            self.finding(&Finding::unreadable(error));
            Vec::new()
        })
    }

    fn record(&mut self, time: Option<String>) {
        let status = &mut self.status;
        status.records += 1;
        status.oldest_record = status
            .oldest_record
            .take()
            .into_iter()
            .chain(time.clone())
            .min();
        status.newest_record = status.newest_record.take().max(time);
    }

    fn finding(&mut self, finding: &Finding) {
        self.could_not_read |= finding.is_unreadable();
        self.status.findings.push(FindingShown {
            code: finding.what.code(),
            file: finding.file.clone(),
            line: finding.line,
            detail: finding.what.to_string(),
        });
    }
}

impl Stream {
    fn next_seq(&self) -> u64 {
        self.last_seq + 1
    }

    fn count(&mut self, entry: &Entry<'_>) {
        let position = entry.position();
        if self.entries == 0 {
            self.first_seq = position.seq;
        }
        self.entries += 1;
        self.last_seq = self.last_seq.max(position.seq);
        *self.kinds.entry(position.kind.to_string()).or_default() += 1;
        // Behind `close` one checkpoint may stand, which changes nothing.
        let is_last_signature = self.is_closed && position.kind == Kind::Checkpoint;
        self.is_closed = position.kind == Kind::Close || is_last_signature;
    }
}
