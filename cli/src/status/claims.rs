//! What notes and `open` entries say of how long the streams are, against what is there.
//!
//! Promise: a stream that grows while it is read is never called cut.
//! Not here: roots (`chain`).

use std::collections::{BTreeMap, BTreeSet};

use tracing_llm_audit::{entry::StreamId, journal::SegmentInfo};

use super::{Stream, opened::Opened, report::Report};
use crate::finding::Finding;

/// The greatest size that each stream is known to have had.
#[derive(Default)]
pub(super) struct Claims {
    sizes: BTreeMap<StreamId, Claim>,
    not_continued: BTreeSet<(StreamId, String)>,
}

struct Claim {
    size: u64,
    file: String,
    line: Option<u64>,
    /// It was read while the stream was read, which may have grown meanwhile.
    is_of_another_stream: bool,
}

/// The segments before and after everything was read.
pub(super) struct Listed<'a> {
    /// The stream whose files have no id in their names.
    pub(super) first: Option<StreamId>,
    pub(super) before: &'a [SegmentInfo],
    pub(super) after: Vec<SegmentInfo>,
}

impl Listed<'_> {
    fn bytes(&self, segments: &[SegmentInfo], stream: StreamId) -> Option<u64> {
        let is_first = self.first == Some(stream);
        let short = (!is_first).then(|| stream.short());
        let own = segments
            .iter()
            .filter(|segment| segment.name.stream_short() == short);
        own.map(|segment| segment.bytes)
            .reduce(|sum, bytes| sum + bytes)
    }

    fn has_grown(&self, stream: StreamId) -> bool {
        self.bytes(&self.after, stream) > self.bytes(self.before, stream)
    }

    fn has_files(&self, stream: StreamId) -> bool {
        self.bytes(&self.after, stream)
            .is_some_and(|bytes| bytes > 0)
    }
}

impl Claims {
    /// A stream's own note says how long it is; `at` is where it was read.
    pub(super) fn of_note(&mut self, stream: StreamId, size: u64, at: (String, Option<u64>)) {
        self.add(stream, size, at, false);
    }

    /// A process says what it found when it started.
    pub(super) fn of_open(
        &mut self,
        opened: Opened,
        report: &mut Report,
        tell: impl Fn(&'static str, String) -> Finding,
    ) {
        let place = tell("", String::new());
        for (stream, size) in opened.streams {
            let at = (place.file.clone(), place.line);
            self.add(stream, size, at, true);
        }
        for (stream, reason) in opened.not_continued {
            let text = format!("stream {stream}: {reason} ({})", meaning(&reason));
            if !self.not_continued.insert((stream, reason.clone())) {
                continue;
            }
            match reason.as_str() {
                "day_ahead" => report.inform(tell("day ahead", text)),
                _ => report.finding(tell("not continued", text)),
            }
        }
    }

    fn add(
        &mut self,
        stream: StreamId,
        size: u64,
        (file, line): (String, Option<u64>),
        is_of_another_stream: bool,
    ) {
        let claim = Claim {
            size,
            file,
            line,
            is_of_another_stream,
        };
        let known = self.sizes.get(&stream).map_or(0, |known| known.size);
        if size > known {
            self.sizes.insert(stream, claim);
        }
    }

    /// Says which streams are gone or were cut.
    pub(super) fn judge(
        self,
        streams: &BTreeMap<StreamId, Stream>,
        listed: &Listed<'_>,
        report: &mut Report,
    ) {
        for (stream, claim) in self.sizes {
            let found = match streams.get(&stream) {
                Some(found) => found.next_seq(),
                // Its files are there and were not readable, or came since: each has a finding of its own, or none.
                None if listed.has_files(stream) => continue,
                None => 0,
            };
            let may_have_grown = claim.is_of_another_stream && listed.has_grown(stream);
            if claim.size <= found || may_have_grown {
                continue;
            }
            let size = claim.size;
            let (code, detail) = if found == 0 {
                let detail = format!("stream {stream} had {size} entries, and none is here");
                ("missing stream", detail)
            } else {
                let detail = format!("stream {stream} had {size} entries, and ends after {found}");
                ("cut tail", detail)
            };
            report.finding(Finding {
                code,
                file: claim.file,
                line: claim.line,
                detail,
            });
        }
    }
}

/// Says in words why a stream was not continued.
fn meaning(reason: &str) -> &'static str {
    match reason {
        "other_key" => "another key signed its checkpoints",
        "foreign" => "no checkpoint, and no process with this tail key wrote it",
        "damaged" => "it was damaged below its newest checkpoint",
        "rolled_back" => "it was shorter than a known checkpoint",
        "unknown_version" => "a later version of the software wrote in it",
        "day_ahead" => "its last day was more than a day ahead",
        _ => "a reason that this version does not know",
    }
}
