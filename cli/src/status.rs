//! `llm-audit status`: the journal's health, from its files and the system's list of locks alone.
//!
//! Promise: "no finding" is said only where every line was read, chains, and matches its commitments, and it is said
//! what was not checked. Memory does not grow with the journal. Takes no lock.
//! Not here: whether removed classes were allowed to go, holes among acceptance numbers, macs (verification).

mod chain;
mod claims;
mod followers;
mod gather;
mod notes;
mod opened;
mod progress;
mod report;
mod text;
mod tree;

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
};

use serde::Serialize;

use crate::{
    alive::Writer,
    args::{self, StatusFormat},
    exit::Exit,
    terminal::Style,
};

/// What `--format json` prints: one object; members are only ever added.
#[derive(Debug, Default, Serialize)]
struct Status {
    directory: String,
    segments: u64,
    bytes: u64,
    /// File names of the first and the last segment by day.
    first_segment: Option<String>,
    last_segment: Option<String>,
    /// Entries of every kind.
    entries: u64,
    /// `call` entries.
    records: u64,
    oldest_record: Option<String>,
    newest_record: Option<String>,
    /// Records that were accepted and could not be kept, as `gap` entries count them.
    dropped: u64,
    /// Files that recovery or a follower set aside.
    quarantined: u64,
    /// Entries of which a class was removed; whether that was allowed is not checked.
    classes_removed: u64,
    /// Entries that the newest checkpoint of their stream does not cover.
    uncovered: u64,
    /// Checkpoint notes with a right signature; none where no key was given.
    signatures: Option<u64>,
    streams: Vec<Stream>,
    /// What each follower lacks in all streams together.
    followers: Vec<followers::Sum>,
    findings: Vec<FindingShown>,
    /// Findings in all, those that are not listed included.
    findings_total: u64,
    /// What is worth knowing and needs no action.
    information: Vec<FindingShown>,
    #[serde(skip)]
    is_whole: bool,
}

/// One writer's sequence.
#[derive(Debug, Default, Serialize)]
struct Stream {
    id: String,
    segments: u64,
    #[serde(skip)]
    last_segment: Option<String>,
    first_seq: u64,
    last_seq: u64,
    entries: u64,
    /// Lines of a later version after the last entry, each of which is an entry too.
    #[serde(skip)]
    unknown_behind: u64,
    /// Entries by kind, in the order of the kinds' names.
    kinds: BTreeMap<String, u64>,
    /// True where the last writer closed the stream; false while one writes, or after one ended without closing.
    is_closed: bool,
    writer: Writer,
    newest_entry: Option<String>,
    /// What wrote it, as the newest `open` says, and when that began.
    software: Option<String>,
    opened: Option<String>,
    /// Entries that were adopted unsigned, at all openings.
    adopted: u64,
    checkpoint: Option<CheckpointShown>,
    followers: Vec<followers::Follower>,
}

/// The newest checkpoint in `checkpoints/`.
#[derive(Debug, Serialize)]
struct CheckpointShown {
    origin: String,
    size: u64,
    /// Entries that it does not cover yet.
    uncovered: u64,
}

#[derive(Debug, Serialize)]
struct FindingShown {
    code: &'static str,
    file: String,
    line: Option<u64>,
    detail: String,
    /// What it means and what to do next.
    advice: &'static str,
}

/// Runs the command.
pub(crate) fn run(args: &args::Status) -> anyhow::Result<Exit> {
    let status = gather::gather(&args.common.dir, &args.key)?;
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json || args.format == StatusFormat::Json {
        serde_json::to_writer_pretty(&mut out, &status).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        text::write(&mut out, &status, Style::of_stdout(args.common.color))?;
    }
    out.flush()?;
    Ok(match () {
        () if !status.is_whole => Exit::CouldNotRun,
        () if status.findings_total > 0 => Exit::Findings,
        () if status.entries == 0 => Exit::NothingFound,
        () => Exit::Found,
    })
}

impl Stream {
    /// Returns how many entries there would be if none were missing.
    fn next_seq(&self) -> u64 {
        self.last_seq
            .saturating_add(1)
            .saturating_add(self.unknown_behind)
    }
    /// Returns how many of its entries no checkpoint covers.
    fn uncovered(&self) -> u64 {
        let newest = self.checkpoint.as_ref();
        newest.map_or(self.entries, |newest| newest.uncovered.min(self.entries))
    }
}
