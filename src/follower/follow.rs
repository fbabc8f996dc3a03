//! The Follower's thread: read, send, move on; and what it does when that does not work.
//!
//! Promise: entries are left behind only when acknowledged, or set aside as dead letters after a neighbour was taken:
//! a destination that refuses everything is a bad destination, and waits.
//! Not here: what an answer means (`Exporter`), where cursors lie (`Source`).
//!
//! A refused batch is halved until one entry is left; then its neighbours are tried one by one. The first that is taken
//! proves those before it to be poison that are refused once more. An entry that keeps failing with errors that blame nobody (it may crash
//! the destination) is examined the same way, but only after long and repeated failure.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    ExportError, Exported, Exporter, Reason,
    retry::RetryPolicy,
    shared::{Orders, Shared},
    source::SourceError,
    track::Track,
};
use llm_audit_journal::{
    clock::{Clock, Deadline},
    random::Entropy,
};

/// How often a Follower with nothing to do looks for new entries: also how long they may wait for company.
const POLL: Duration = Duration::from_millis(50);
/// The longest wait between tries while stopping.
const STOP_DELAY_MAX: Duration = Duration::from_millis(500);
/// Failures in a row after which smaller batches are tried; fewer are the weather.
const SHRINK_FAILURES_MIN: u32 = 3;
/// How many refused entries in a row are tried before the destination is held to be the bad one.
const NEIGHBOURS_MAX: usize = 16;
/// How often a suspect must fail while its neighbour is taken.
const EXAMINATIONS: u32 = 2;
/// How long one request may take, unless the exporter itself allows less.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(300);

pub(super) struct Follow {
    exporter: Box<dyn Exporter>,
    shared: Arc<Shared>,
    retry: RetryPolicy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    tracks: Vec<Track>,
    /// Failed requests in a row.
    failures: u32,
    /// The destination is left alone until then.
    not_before: Option<Deadline>,
    stop_by: Option<Deadline>,
    /// Somebody waits for all to be sent and stored.
    is_hurried: bool,
}

impl Follow {
    pub(super) fn new(
        exporter: Box<dyn Exporter>,
        shared: Arc<Shared>,
        retry: RetryPolicy,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            exporter,
            shared,
            retry,
            clock,
            entropy,
            tracks: Vec::new(),
            failures: 0,
            not_before: None,
            stop_by: None,
            is_hurried: false,
        }
    }

    /// Runs until told to stop.
    pub(super) fn run(mut self) {
        loop {
            let orders = self.shared.take_orders();
            self.obey(orders);
            if self.is_over() {
                break;
            }
            if !self.round() {
                self.settle();
                self.shared.rest(self.rest_at_most());
            }
            self.publish();
        }
        self.end();
    }

    fn obey(&mut self, orders: Orders) {
        self.tracks
            .extend(orders.incoming.into_iter().map(Track::new));
        for stream in orders.leaving {
            if let Some(at) = self.tracks.iter().position(|track| track.stream == stream) {
                self.store_cursor(at, true);
                self.tracks.remove(at);
            }
        }
        if orders.nudged {
            self.not_before = None;
            self.is_hurried = true;
        }
        self.stop_by = orders.stop_by;
        self.publish();
    }

    fn is_over(&self) -> bool {
        let drained = || self.tracks.iter().all(Track::is_drained);
        self.stop_by.is_some_and(|by| by.is_over() || drained())
    }

    /// Sends one request per stream that has something; says whether there was anything to do.
    fn round(&mut self) -> bool {
        let mut worked = false;
        for at in 0..self.tracks.len() {
            if is_ahead(self.not_before) || self.stop_by.is_some_and(Deadline::is_over) {
                return worked;
            }
            if !is_ahead(self.tracks[at].not_before) {
                worked |= self.step(at);
            }
            self.store_cursor(at, false);
        }
        worked
    }

    /// Nothing to do: stores the cursors, where all is sent and somebody waits for that.
    fn settle(&mut self) {
        if self.is_hurried && self.tracks.iter().all(Track::is_drained) {
            self.is_hurried = false;
            (0..self.tracks.len()).for_each(|at| self.store_cursor(at, true));
            self.publish();
        }
    }

    fn step(&mut self, at: usize) -> bool {
        let count = match self.tracks[at].fill() {
            Ok(count) => count,
            Err(error) => {
                self.journal_trouble(at, &error);
                return false;
            }
        };
        if count == 0 {
            return false;
        }
        match self.export(at, 0, count) {
            Ok(exported) => self.acknowledged(at, &exported),
            Err(error) if error.is_retryable() => self.failed(at, count, &error),
            Err(error) if count > 1 => {
                self.trouble(&error.to_string());
                self.tracks[at].shrink(count);
            }
            Err(error) => self.isolate(at, error),
        }
        true
    }

    /// Sends `count` entries from the `first`-th that was not acknowledged.
    fn export(&mut self, at: usize, first: usize, count: usize) -> Result<Exported, ExportError> {
        let timeout = self
            .time_left()
            .unwrap_or(EXPORT_TIMEOUT)
            .max(Duration::from_millis(1));
        let batch = self.tracks[at].entries(first, count);
        let exporter = &mut self.exporter;
        let result = catch_unwind(AssertUnwindSafe(|| exporter.export(batch, timeout)));
        let answer = result.unwrap_or_else(|_| {
            let reason = Reason::new("the exporter panicked");
            Err(ExportError::NotReady {
                reason,
                retry_after: None,
            })
        })?;
        // An exporter that answers about nothing, or about more than it was given, would stop or skip.
        let entries = answer.entries.clamp(1, count);
        Ok(Exported { entries, ..answer })
    }

    fn acknowledged(&mut self, at: usize, exported: &Exported) {
        self.tracks[at].advance(exported.entries);
        self.tracks[at].grow();
        self.failures = 0;
        self.not_before = None;
        let now = self.clock.now();
        self.shared
            .with_counts(|counts| counts.acknowledged(exported, now));
    }

    /// Leaves the destination alone for a while, then tries less at once.
    fn failed(&mut self, at: usize, count: usize, error: &ExportError) {
        self.back_off(error);
        if matches!(error, ExportError::Refused(_)) {
            return;
        }
        if self.failures >= SHRINK_FAILURES_MIN {
            self.tracks[at].shrink(count);
        }
        if count == 1 {
            let (since, failures) = self.tracks[at].suspect(Instant::now());
            let long = since.elapsed() >= self.retry.suspect_after;
            if long && failures >= self.retry.suspect_failures_min {
                self.examine(at, error);
            }
        }
    }

    fn back_off(&mut self, error: &ExportError) {
        self.failures = self.failures.saturating_add(1);
        let mut random = [0];
        self.entropy.fill(&mut random);
        let mut delay = self
            .retry
            .delay(self.failures, error.retry_after(), random[0]);
        if self.stop_by.is_some() {
            // Somebody waits for the end: use the time that there is.
            delay = delay.min(STOP_DELAY_MAX);
        }
        self.not_before = Some(Deadline::after(delay));
        self.trouble(&error.to_string());
        self.shared.with_counts(|counts| counts.failures += 1);
    }

    /// The first entry, alone, was refused: finds out whether its neighbours are taken.
    fn isolate(&mut self, at: usize, refusal: ExportError) {
        let mut refusals = vec![refusal];
        for index in 1..self.tracks[at].pending().min(NEIGHBOURS_MAX) {
            match self.export(at, index, 1) {
                Ok(neighbour) => return self.set_aside(at, &refusals, &neighbour),
                Err(error) if error.is_retryable() => return self.back_off(&error),
                Err(error) => refusals.push(error),
            }
        }
        self.back_off(&refusals[0]);
    }

    /// A neighbour was taken: asks once more for each refused entry before it, sets aside what is refused again, and
    /// moves behind them all.
    fn set_aside(&mut self, at: usize, refusals: &[ExportError], neighbour: &Exported) {
        for _ in refusals {
            match self.export(at, 0, 1) {
                Ok(exported) => self.acknowledged(at, &exported),
                Err(error) if error.is_retryable() => return self.back_off(&error),
                Err(error) => {
                    if !self.set_first_aside(at, &error) {
                        return;
                    }
                }
            }
        }
        self.acknowledged(at, neighbour);
    }

    /// Puts the first entry into quarantine and moves behind it; says whether that worked.
    fn set_first_aside(&mut self, at: usize, why: &ExportError) -> bool {
        if let Err(error) = self.tracks[at].put_first_aside(&why.to_string()) {
            self.journal_trouble(at, &error);
            return false;
        }
        self.trouble(&why.to_string());
        self.shared.with_counts(|counts| counts.dead_letters += 1);
        true
    }

    /// The first entry, alone, has failed for long: set aside if it still does while its neighbour is taken.
    fn examine(&mut self, at: usize, error: &ExportError) {
        for _ in 0..EXAMINATIONS {
            if self.tracks[at].pending() < 2 || self.export(at, 1, 1).is_err() {
                return;
            }
            if let Ok(exported) = self.export(at, 0, 1) {
                return self.acknowledged(at, &exported);
            }
        }
        if self.set_first_aside(at, error) {
            self.not_before = None;
        }
    }

    fn journal_trouble(&mut self, at: usize, error: &SourceError) {
        self.tracks[at].not_before = Some(Deadline::after(
            self.retry.delay_max.min(Duration::from_secs(1)),
        ));
        self.trouble(&error.to_string());
    }

    fn store_cursor(&mut self, at: usize, now_or_never: bool) {
        if let Err(error) = self.tracks[at].store_cursor(now_or_never) {
            self.trouble(&error.to_string());
        }
    }

    fn trouble(&mut self, text: &str) {
        let now = self.clock.now();
        self.shared.with_counts(|counts| counts.trouble(text, now));
    }

    fn publish(&self) {
        self.shared
            .publish(self.tracks.iter().map(Track::view).collect());
    }

    fn rest_at_most(&self) -> Duration {
        let waits = self.not_before.map(Deadline::left);
        let rest = waits.filter(|left| !left.is_zero()).unwrap_or(POLL);
        self.time_left().map_or(rest, |stop| stop.min(rest))
    }

    /// Returns the time until the end, where that is set; no exporter is given more than one request may take.
    fn time_left(&self) -> Option<Duration> {
        self.stop_by.map(|by| by.left().min(EXPORT_TIMEOUT))
    }

    fn end(mut self) {
        let left = self.time_left().unwrap_or_default();
        // Best effort: what it has acknowledged is acknowledged, and a panic of it ends here.
        let exporter = &mut self.exporter;
        let flushed = catch_unwind(AssertUnwindSafe(|| {
            let flushed = exporter.force_flush(left);
            exporter.shutdown(left);
            flushed
        }));
        if let Ok(Err(error)) = flushed {
            self.trouble(&error.to_string());
        }
        (0..self.tracks.len()).for_each(|at| self.store_cursor(at, true));
        self.publish();
        self.shared.ended();
    }
}

fn is_ahead(until: Option<Deadline>) -> bool {
    until.is_some_and(|at| !at.is_over())
}
