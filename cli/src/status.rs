//! `llm-audit status`: the journal's health, from its files alone.

mod gather;
mod text;

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::{
    args::{self, StatusFormat},
    exit::Exit,
    journal::Journal,
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
    /// `call` entries.
    records: u64,
    oldest_record: Option<String>,
    newest_record: Option<String>,
    /// Records that were accepted and could not be kept, as `gap` entries count them.
    dropped: u64,
    /// Files that recovery or a follower set aside.
    quarantined: u64,
    streams: Vec<Stream>,
    findings: Vec<FindingShown>,
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
    /// Entries by kind, in the order of the kinds' names.
    kinds: std::collections::BTreeMap<String, u64>,
    /// True where the last writer closed the stream; false while one writes, or after one ended without closing.
    is_closed: bool,
    newest_entry: Option<String>,
    checkpoint: Option<CheckpointShown>,
    followers: Vec<Follower>,
}

/// The newest checkpoint in `checkpoints/`, as it stands; its signature is not checked.
#[derive(Debug, Serialize)]
struct CheckpointShown {
    origin: String,
    size: u64,
    /// Entries that it does not cover yet.
    uncovered: u64,
}

/// How far a follower got.
#[derive(Debug, Serialize)]
struct Follower {
    name: String,
    next_seq: u64,
    /// Entries that it lacks.
    lag: u64,
}

#[derive(Debug, Serialize)]
struct FindingShown {
    code: &'static str,
    file: String,
    line: Option<u64>,
    detail: String,
}

/// Runs the command.
pub(crate) fn run(args: &args::Status) -> anyhow::Result<Exit> {
    let journal = Journal::open(&args.common.dir)?;
    let (status, is_whole) = gather::gather(args.common.dir.display().to_string(), &journal);
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json || args.format == StatusFormat::Json {
        serde_json::to_writer_pretty(&mut out, &status).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        text::write(&mut out, &status, Style::of_stdout(args.common.color))?;
    }
    out.flush()?;
    Ok(match status.segments {
        _ if !is_whole => Exit::CouldNotRun,
        0 => Exit::NothingFound,
        _ => Exit::Found,
    })
}
