//! `llm-audit cat`: shows entries as they come.

use std::{
    collections::VecDeque,
    io::{self, BufWriter, Write},
    ops::ControlFlow,
};

use tracing_llm_audit::{Clock, SystemClock, entry::EntryBuf, journal::SegmentName};

use crate::{
    args::{self, Format},
    exit::Exit,
    filter::Filter,
    finding::Finding,
    journal::{Item, Journal},
    print::{self, Print},
    terminal::Style,
};

/// Runs the command.
pub(crate) fn run(args: &args::Cat) -> anyhow::Result<Exit> {
    let filter = match Filter::new(args, SystemClock::default().now()) {
        Ok(filter) => filter,
        Err(error) => {
            writeln!(io::stderr(), "error: {error:#}\nhint: llm-audit cat --help")?;
            return Ok(Exit::Usage);
        }
    };
    let mut journal = Journal::open(&args.common.dir)?;
    if journal.segments().is_empty() {
        let directory = args.common.dir.display();
        writeln!(io::stderr(), "note: no journal in {directory}")?;
    }
    if let Some(since) = filter.since() {
        journal.since(since);
    }
    let mut show = Show::new(args);
    for stranger in journal.strangers(&args.common.dir) {
        show.stranger(&stranger)?;
    }
    journal.walk(|item| show.item(item, &filter))?;
    show.finish()
}

/// Where the entries go, and how many did.
struct Show {
    print: Box<dyn Print>,
    out: BufWriter<io::StdoutLock<'static>>,
    limit: Option<u64>,
    /// The last entries, where only those are wanted.
    last: Option<(usize, VecDeque<EntryBuf>)>,
    shown: u64,
    findings: u64,
    is_whole: bool,
}

impl Show {
    fn new(args: &args::Cat) -> Self {
        let format = if args.json {
            Format::Jsonl
        } else {
            args.format
        };
        Self {
            print: print::of(format, Style::of_stdout(args.common.color)),
            out: BufWriter::new(io::stdout().lock()),
            limit: args.limit,
            last: args.last.map(|count| (count, VecDeque::new())),
            shown: 0,
            findings: 0,
            is_whole: true,
        }
    }

    fn item(&mut self, item: Item, filter: &Filter) -> io::Result<ControlFlow<()>> {
        if self.limit.is_some_and(|limit| self.shown >= limit) {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(finding) = item.wrong() {
            self.finding(&finding)?;
        }
        if let Item::Line(line) = item
            && let Some(entry) = line.entry
            && filter.wants(&entry.as_entry())
        {
            self.entry(entry)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn entry(&mut self, entry: EntryBuf) -> io::Result<()> {
        let Some((count, last)) = &mut self.last else {
            self.shown += 1;
            return self.print.entry(&mut self.out, &entry.as_entry());
        };
        last.push_back(entry);
        if last.len() > *count {
            last.pop_front();
        }
        Ok(())
    }

    /// Names what has a segment's name and was not opened: entries may be behind it.
    fn stranger(&mut self, stranger: &Finding) -> io::Result<()> {
        if stranger.file.parse::<SegmentName>().is_ok() {
            self.is_whole = false;
            self.finding(stranger)?;
        }
        Ok(())
    }

    /// Names what is wrong, where nobody takes it for data.
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.findings += 1;
        self.is_whole &= !finding.is_unreadable();
        writeln!(io::stderr(), "finding: {finding}")
    }

    fn finish(mut self) -> anyhow::Result<Exit> {
        for entry in self.last.take().map(|(_, last)| last).unwrap_or_default() {
            self.entry(entry)?;
        }
        self.print.finish(&mut self.out)?;
        self.out.flush()?;
        if self.findings > 0 {
            let hint = "llm-audit status says what else is known of this journal";
            writeln!(io::stderr(), "hint: {hint}")?;
        }
        Ok(match self.shown {
            _ if !self.is_whole => Exit::CouldNotRun,
            0 => Exit::NothingFound,
            _ => Exit::Found,
        })
    }
}
