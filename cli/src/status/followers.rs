//! What the followers lack, stream by stream and in all.
//!
//! Promise: a follower that is known in one stream lacks everything of another where it has no cursor.
//! Not here: whether what they were sent has arrived; their far side counts that.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tracing_llm_audit::{entry::StreamId, journal::StoredCursor};

use super::{Stream, report::Report};
use crate::finding::Finding;

/// How far a follower got in one stream.
#[derive(Debug, Serialize)]
pub(super) struct Follower {
    pub(super) name: String,
    pub(super) next_seq: u64,
    /// Entries that it lacks.
    pub(super) lag: u64,
    /// False where it has no cursor here and has one in another stream.
    pub(super) is_known: bool,
}

/// What a follower lacks in all streams together.
#[derive(Debug, Serialize)]
pub(super) struct Sum {
    pub(super) name: String,
    pub(super) lag: u64,
    /// Streams of which it lacks something.
    pub(super) streams: u64,
}

/// Says which cursors point beyond the end; they were read before the entries, so that they cannot have moved on.
pub(super) fn judge(
    cursors: &[StoredCursor],
    streams: &BTreeMap<StreamId, Stream>,
    report: &mut Report,
) {
    for found in cursors {
        let end = streams.get(&found.stream).map_or(0, Stream::next_seq);
        let next_seq = found.cursor.next_seq;
        if next_seq > end {
            report.finding(Finding {
                code: "cursor ahead",
                file: format!("cursors/{}.{}", found.follower, found.stream),
                line: None,
                detail: format!(
                    "it has entries up to {}, and the stream ends after {end}",
                    next_seq - 1
                ),
            });
        }
    }
}

/// Adds to each stream what its followers lack, and returns the sums.
pub(super) fn add(cursors: &[StoredCursor], streams: &mut BTreeMap<StreamId, Stream>) -> Vec<Sum> {
    let names: BTreeSet<&str> = cursors
        .iter()
        .map(|found| found.follower.as_str())
        .collect();
    let mut sums = Vec::new();
    for name in names {
        let mut sum = Sum {
            name: name.to_owned(),
            lag: 0,
            streams: 0,
        };
        for (id, stream) in &mut *streams {
            let is_own = |found: &&StoredCursor| found.follower == name && found.stream == *id;
            let next_seq = cursors
                .iter()
                .find(is_own)
                .map(|found| found.cursor.next_seq);
            let follower = in_stream(name, next_seq, stream);
            sum.lag += follower.lag;
            sum.streams += u64::from(follower.lag > 0);
            stream.followers.push(follower);
        }
        sums.push(sum);
    }
    sums
}

fn in_stream(name: &str, next_seq: Option<u64>, stream: &Stream) -> Follower {
    let from = next_seq.unwrap_or(stream.first_seq);
    Follower {
        name: name.to_owned(),
        next_seq: from,
        lag: stream.next_seq().saturating_sub(from),
        is_known: next_seq.is_some(),
    }
}
