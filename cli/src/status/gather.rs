//! Checks and counts what the journal's files say: one walk over the lines, and the small files beside them.
//!
//! Promise: what says how long a stream must be is read before its entries, so that a writer beside us cannot make
//! a stream look cut.
//! Not here: how it is shown (`text`).

use std::{collections::BTreeMap, convert::Infallible, ops::ControlFlow, path::Path};

use tracing_llm_audit::{
    checkpoint::VerifierKey,
    entry::{Entry, Kind, StreamId, schema::key},
    journal::{FileError, JournalReader, SegmentName, Step, StoredCursor, StoredHead},
    json,
};

use super::{
    CheckpointShown, Status, Stream,
    chain::Chain,
    claims::{Claims, Listed},
    followers, notes,
    opened::Opened,
    progress::Progress,
    report::Report,
};
use crate::{
    alive::{Locks, Writer},
    finding::Finding,
    journal::{Item, Journal, Line},
};

/// Checks the journal in a directory.
pub(super) fn gather(directory: &Path, keys: &[VerifierKey]) -> anyhow::Result<Status> {
    let reader = JournalReader::new(directory);
    let mut check = Check::new(keys);
    let heads = check.or_finding(reader.heads());
    let cursors = check.or_finding(reader.cursors());
    let locks = Locks::now();
    let journal = Journal::list(reader)?;
    check.heads(&heads);
    check.walk(&journal);
    check.finish(&journal, &heads, &cursors, &[locks, Locks::now()]);
    for stranger in journal.strangers(directory) {
        check.report.finding(stranger);
    }
    let mut status = check.status;
    let segments = journal.segments();
    status.directory = directory.display().to_string();
    status.segments = segments.len() as u64;
    status.bytes = segments.iter().map(|segment| segment.bytes).sum();
    status.first_segment = segments.first().map(|segment| segment.name.to_string());
    status.last_segment = segments.last().map(|segment| segment.name.to_string());
    status.streams = check.streams.into_values().collect();
    status.signatures = (!keys.is_empty()).then_some(check.right_signatures);
    check.report.show(&mut status);
    Ok(status)
}

/// Everything that is known so far.
struct Check<'k> {
    keys: &'k [VerifierKey],
    status: Status,
    streams: BTreeMap<StreamId, Stream>,
    chains: BTreeMap<StreamId, Chain>,
    /// The stream in the files of each label.
    labels: BTreeMap<Option<String>, StreamId>,
    claims: Claims,
    /// The torn end of each segment that has one.
    torn: BTreeMap<SegmentName, Finding>,
    right_signatures: u64,
    report: Report,
}

impl<'k> Check<'k> {
    fn new(keys: &'k [VerifierKey]) -> Self {
        Self {
            keys,
            status: Status::default(),
            streams: BTreeMap::new(),
            chains: BTreeMap::new(),
            labels: BTreeMap::new(),
            claims: Claims::default(),
            torn: BTreeMap::new(),
            right_signatures: 0,
            report: Report::default(),
        }
    }

    /// What could not be read is a finding, and nothing.
    fn or_finding<T>(&mut self, read: Result<Vec<T>, FileError>) -> Vec<T> {
        read.unwrap_or_else(|error| {
            self.report.finding(Finding::unreadable(&error));
            Vec::new()
        })
    }

    /// Reads the notes in `checkpoints/`.
    fn heads(&mut self, heads: &[StoredHead]) {
        for head in heads {
            let read = notes::read(&head.note, head.stream);
            let checked = read.and_then(|checkpoint| {
                self.claims
                    .of_note(head.stream, checkpoint.size, (note_file(head.stream), None));
                self.chains
                    .insert(head.stream, Chain::new(Some(checkpoint)));
                notes::check(&head.note, self.keys, head.stream)
            });
            match checked {
                Ok(is_checked) => self.right_signatures += u64::from(is_checked),
                Err((code, detail)) => self.report.finding(Finding {
                    code,
                    file: note_file(head.stream),
                    line: None,
                    detail,
                }),
            }
        }
    }

    fn walk(&mut self, journal: &Journal) {
        let total = journal.segments().iter().map(|segment| segment.bytes).sum();
        let mut progress = Progress::new(total);
        let Ok(()) = journal.walk(|item| {
            match item {
                Item::Line(line) => {
                    progress.at(line.bytes_before);
                    self.line(&line);
                }
                Item::Unreadable(error) => self.report.finding(Finding::unreadable(&error)),
            }
            Ok::<_, Infallible>(ControlFlow::Continue(()))
        });
    }

    fn line(&mut self, line: &Line) {
        match (line.wrong(), line.step) {
            (Some(finding), Step::Torn { .. }) => {
                self.torn.insert(line.segment, finding);
            }
            (Some(finding), _) => self.report.finding(finding),
            (None, _) => {}
        }
        if let Some(entry) = &line.entry {
            self.entry(&entry.as_entry(), line);
        } else if line.step == Step::Unknown {
            let label = line.segment.stream_short();
            let stream = self.labels.get(&label);
            if let Some(stream) = stream.and_then(|id| self.streams.get_mut(id)) {
                stream.unknown_behind += 1;
            }
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, line: &Line) {
        let stream = entry.position().stream;
        self.status.entries += 1;
        let chain = self.chains.entry(stream).or_default();
        chain.entry(entry, line, self.keys, &mut self.claims, &mut self.report);
        let counted = self.streams.entry(stream).or_default();
        if counted.entries == 0 {
            self.labels.insert(line.segment.stream_short(), stream);
        }
        counted.count(entry, line);
        let event = entry.get(key::EVENT).unwrap_or_default();
        match entry.position().kind {
            Kind::Call => self.record(entry.text(key::TIMESTAMP)),
            Kind::Open => self.open(entry, event, line),
            Kind::Gap => self.gap(event, line),
            Kind::Recovery => self.recovery(event, line),
            _ => {}
        }
    }

    fn record(&mut self, time: Option<String>) {
        let status = &mut self.status;
        status.records += 1;
        let oldest = status.oldest_record.take().into_iter();
        status.oldest_record = oldest.chain(time.clone()).min();
        status.newest_record = status.newest_record.take().max(time);
    }

    fn open(&mut self, entry: &Entry<'_>, event: &[u8], line: &Line) {
        let opened = Opened::of(event);
        let stream = self.streams.entry(entry.position().stream).or_default();
        stream.software.clone_from(&opened.software);
        stream.opened = entry.text(key::TIMESTAMP);
        stream.adopted = stream.adopted.saturating_add(opened.adopted);
        self.claims
            .of_open(opened, &mut self.report, |code, detail| {
                line.finding(code, detail)
            });
    }

    /// A gap counts what was dropped, or names acknowledged entries that disappeared.
    fn gap(&mut self, event: &[u8], line: &Line) {
        let count = json::member(event, "count")
            .and_then(json::unsigned)
            .unwrap_or(0);
        let cause = json::member(event, "cause").and_then(json::text);
        if cause.as_deref() == Some("segment_lost") {
            let detail = format!("{count} acknowledged entries were no longer there");
            self.report.finding(line.finding("segment lost", detail));
        } else {
            self.status.dropped = self.status.dropped.saturating_add(count);
        }
    }

    fn recovery(&mut self, event: &[u8], line: &Line) {
        let foreign = json::member(event, "foreign").and_then(json::unsigned);
        if let Some(count) = foreign.filter(|count| *count > 0) {
            let detail = format!("recovery set {count} lines aside that were not the writer's");
            self.report.finding(line.finding("foreign lines", detail));
        }
    }

    /// Judges what only the end shows, and adds what lies beside the segments.
    fn finish(
        &mut self,
        journal: &Journal,
        heads: &[StoredHead],
        cursors: &[StoredCursor],
        locks: &[Locks; 2],
    ) {
        let reader = journal.reader();
        self.writers(journal, locks);
        self.chains(reader);
        self.show_heads(heads);
        let listed = Listed {
            first: reader.first_stream().ok().flatten(),
            before: journal.segments(),
            after: self.or_finding(reader.segments()),
        };
        std::mem::take(&mut self.claims).judge(&self.streams, &listed, &mut self.report);
        self.torn_ends(journal, locks);
        followers::judge(cursors, &self.streams, &mut self.report);
        // Read again, so that what was sent meanwhile is not shown as lacking.
        let cursors = self.or_finding(reader.cursors());
        self.status.followers = followers::add(&cursors, &mut self.streams);
        self.status.quarantined = self.or_finding(reader.quarantined()).len() as u64;
    }

    fn chains(&mut self, reader: &JournalReader) {
        // Read again: a stream that was begun meanwhile has its first note by now, or will have it in a moment.
        let heads = self.or_finding(reader.heads());
        for (stream, chain) in std::mem::take(&mut self.chains) {
            self.status.classes_removed += chain.classes_removed;
            self.right_signatures += chain.right_signatures;
            let is_readable = |head: &StoredHead| {
                head.stream == stream && notes::read(&head.note, stream).is_ok()
            };
            let writer = self.streams.get(&stream).map(|stream| stream.writer);
            let may_lack_note =
                writer.is_some_and(Writer::is_alive) || heads.iter().any(is_readable);
            chain.finish(&note_file(stream), may_lack_note, &mut self.report);
        }
    }

    fn show_heads(&mut self, heads: &[StoredHead]) {
        for head in heads {
            let (Some(stream), Some(note)) = (self.streams.get_mut(&head.stream), &head.claim)
            else {
                continue;
            };
            let size = note.checkpoint.size;
            stream.checkpoint = Some(CheckpointShown {
                uncovered: stream.next_seq().saturating_sub(size),
                size,
                origin: note.checkpoint.origin.clone(),
            });
        }
        self.status.uncovered = self.streams.values().map(Stream::uncovered).sum();
    }

    fn writers(&mut self, journal: &Journal, locks: &[Locks; 2]) {
        for (id, stream) in &mut self.streams {
            let path = journal.reader().lock_file(*id);
            let [before, after] = locks.each_ref().map(|locks| locks.holder(&path));
            stream.writer = before.or(after);
            // Its lock's file may be gone; it also holds the segment that it appends to.
            let last = stream.last_segment.as_deref();
            let mut segments = journal.segments().iter();
            if let Some(segment) = segments.find(|found| Some(&*found.name.to_string()) == last) {
                let held = locks.iter().map(|locks| locks.holder(&segment.path));
                stream.writer = held.fold(stream.writer, Writer::or_alive);
            }
        }
    }

    /// An unfinished last line is being written if a process locks its segment; otherwise a crash tore it.
    fn torn_ends(&mut self, journal: &Journal, locks: &[Locks; 2]) {
        for (name, mut finding) in std::mem::take(&mut self.torn) {
            let path = journal
                .segments()
                .iter()
                .find(|segment| segment.name == name);
            let is_held =
                |locks: &Locks| path.is_some_and(|segment| locks.holder(&segment.path).is_alive());
            if locks.iter().any(is_held) {
                finding.code = "being written";
                self.report.inform(finding);
            } else {
                self.report.finding(finding);
            }
        }
    }
}

/// Where a stream's newest signed head is.
fn note_file(stream: StreamId) -> String {
    format!("checkpoints/{stream}")
}

impl Stream {
    fn count(&mut self, entry: &Entry<'_>, line: &Line) {
        let position = entry.position();
        if self.entries == 0 {
            self.id = position.stream.to_string();
            self.first_seq = position.seq;
        }
        let segment = line.segment.to_string();
        if self.last_segment.as_ref() != Some(&segment) {
            self.segments += 1;
            self.last_segment = Some(segment);
        }
        self.entries += 1;
        self.last_seq = self.last_seq.max(position.seq);
        self.unknown_behind = 0;
        *self.kinds.entry(position.kind.to_string()).or_default() += 1;
        // One checkpoint may follow `close`; the stream is closed all the same.
        let is_last_signature = self.is_closed && position.kind == Kind::Checkpoint;
        self.is_closed = position.kind == Kind::Close || is_last_signature;
        self.newest_entry = entry.text(key::TIMESTAMP);
    }
}
