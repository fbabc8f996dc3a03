//! The recorder: from a finished record to a durable line, with the caller gone on.
//!
//! Promise: no accepted record is lost silently. A full queue holds a caller for at most `queue_wait_max`, once; then
//! records are dropped without waiting until there is room, health says so, and a `gap` entry names them. However the
//! writing thread ends, the queue is closed, every acknowledgement resolves, and health says so. In a forked child
//! nothing is accepted and no caller waits.
//! Not here: files (`journal`), content policy (`seal`), sending (`follower`).

mod backoff;
mod health;
mod queue;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

pub use self::health::{Health, Trouble};
pub(crate) use self::{
    backoff::Backoff,
    queue::{Limits, Pace},
};
use self::{
    health::Condition,
    queue::{Admission, Flush, Queue, refuse},
    worker::Worker,
};
use crate::{
    ack::{Ack, AckError},
    judge,
    outcome::{Judged, Outcome},
    price::PriceTable,
    process::Home,
    record::{AuditRecord, Capture},
    seal::Sealer,
    submit::{Hashes, Submit},
};
use llm_audit_journal::{
    clock::Timestamp,
    journal::{JournalWriter, Seams},
};

/// What the recorder is made of.
pub(crate) struct RecorderOptions {
    pub(crate) limits: Limits,
    pub(crate) pace: Pace,
    pub(crate) begins: bool,
    pub(crate) hashes_on_span: bool,
    pub(crate) sealer: Sealer,
    pub(crate) prices: Arc<PriceTable>,
    /// What was found wrong with the journal's directory at opening.
    pub(crate) found: Vec<String>,
}

/// Who follows the streams that are written.
pub(crate) trait Streams: Send + Sync + 'static {
    /// A stream is written from now on.
    fn opened(&self, writer: &JournalWriter);

    /// A stream was closed for good; its lock is held until the writer is dropped.
    fn left(&self, writer: JournalWriter);
}

/// What callers and the writing thread share.
pub(crate) struct Shared {
    home: Home,
    queue: Queue,
    pace: Pace,
    begins: bool,
    hashes_on_span: bool,
    condition: Condition,
    detached: AtomicU64,
    is_shut_down: AtomicBool,
    stream: Mutex<Option<String>>,
    sealer: Sealer,
    prices: Arc<PriceTable>,
    seams: Seams,
}

impl Shared {
    fn new(options: RecorderOptions, seams: Seams) -> Self {
        Self {
            home: Home::here(),
            queue: Queue::new(options.limits),
            pace: options.pace,
            begins: options.begins,
            hashes_on_span: options.hashes_on_span,
            condition: Condition::new(),
            detached: AtomicU64::new(0),
            is_shut_down: AtomicBool::new(false),
            stream: Mutex::new(None),
            sealer: options.sealer,
            prices: options.prices,
            seams,
        }
    }

    fn now(&self) -> Timestamp {
        self.seams.clock.now()
    }

    fn trouble(&self, text: String) {
        self.condition.trouble(self.now(), text);
    }

    fn found(&self, text: String) {
        self.condition.found(self.now(), text);
    }

    /// Refuses all that comes from now on, says why, and resolves every acknowledgement that is still queued.
    fn end(&self, why: &str) {
        // The host's clock may be what has just panicked.
        let now = catch_unwind(AssertUnwindSafe(|| self.now())).unwrap_or_default();
        self.condition.ended(now, why.to_owned());
        drop(self.queue.end());
    }

    /// Judges a record to its end; what its span showed already stays as it is.
    fn judge(&self, record: &mut AuditRecord) -> Outcome {
        match record.outcome.take() {
            Some(Judged::Whole(outcome)) => *outcome,
            Some(Judged::Glance(shown)) => judge::judge(record, &self.prices).repeating(shown),
            None => judge::judge(record, &self.prices),
        }
    }

    fn set_stream(&self, stream: &str) {
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream.to_owned());
    }
}

/// The recorder's handle: the layer's sink, and the guard's way to flush.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Handle>);

/// A handle that keeps no writing thread alive.
#[derive(Clone)]
pub(crate) struct WeakRecorder(Weak<Handle>);

impl WeakRecorder {
    /// Returns the handle, while another one exists.
    pub(crate) fn upgrade(&self) -> Option<Recorder> {
        self.0.upgrade().map(Recorder)
    }
}

/// The last one dropped ends the writing thread, in order.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        // A child has no thread to end, and may find the queue locked for ever.
        if !self.0.home.is_elsewhere() {
            self.0.queue.close();
        }
    }
}

impl Recorder {
    /// Starts the writing thread over an open journal.
    pub(crate) fn start(
        mut options: RecorderOptions,
        seams: Seams,
        writer: JournalWriter,
        streams: Arc<dyn Streams>,
    ) -> std::io::Result<Self> {
        let found = std::mem::take(&mut options.found);
        let shared = Arc::new(Shared::new(options, seams));
        let mut worker = Worker::new(Arc::clone(&shared), streams, writer);
        worker.note_findings(found);
        thread::Builder::new()
            .name("llm-audit-writer".to_owned())
            .spawn(move || worker.run())?;
        Ok(Self(Arc::new(Handle(shared))))
    }

    /// Waits until all that was accepted before is durable or named; with `rest`, closes the stream as well.
    ///
    /// # Errors
    /// [`AckError::TimedOut`] where the time ran out first; the health says what is left. [`AckError::WriterEnded`] and
    /// [`AckError::Forked`], at once, where nothing will be written any more.
    pub(crate) fn flush(&self, timeout: Duration, rest: bool) -> Result<(), AckError> {
        if self.is_forked() {
            return Err(AckError::Forked);
        }
        let (ack, done) = Ack::pair();
        self.0.0.queue.flush(Flush { done, rest });
        ack.wait(timeout).map(|_| ())
    }

    /// Refuses beginnings from now on: what asks for a durable one asks too late. All else is still written.
    pub(crate) fn shut_down(&self) {
        self.0.0.is_shut_down.store(true, Ordering::Relaxed);
    }

    /// Returns a handle for those who report, and who must not keep the writing thread alive.
    pub(crate) fn downgrade(&self) -> WeakRecorder {
        WeakRecorder(Arc::downgrade(&self.0))
    }

    /// Notes a trouble that is over once writing works again.
    pub(crate) fn trouble(&self, text: String) {
        self.0.0.trouble(text);
    }

    /// Notes something that is wrong with the journal's directory, and that no later write makes right.
    pub(crate) fn found(&self, text: String) {
        self.0.0.found(text);
    }

    /// Says whether this process is a forked child: its threads are in its parent.
    pub(crate) fn is_forked(&self) -> bool {
        self.0.0.home.is_elsewhere()
    }

    /// Makes this process a forked child to this recorder.
    #[cfg(test)]
    pub(crate) fn fork(&self) {
        self.0.0.home.leave();
    }

    fn check_open(&self) -> Result<(), AckError> {
        if self.is_forked() {
            Err(AckError::Forked)
        } else if self.0.0.is_shut_down.load(Ordering::Relaxed) {
            Err(AckError::ShutDown)
        } else {
            Ok(())
        }
    }

    /// Returns the health of an audit that is in another process, without a lock: it may be held for ever here.
    fn forked_health(&self) -> Health {
        let (at, text) = (self.now(), self.0.0.home.explain());
        Health {
            last_error: Some(Trouble { at, text }),
            ..Health::default()
        }
    }

    pub(crate) fn health(&self) -> Health {
        if self.is_forked() {
            return self.forked_health();
        }
        let counts = self.0.0.queue.counts();
        let mut health = Health {
            accepted: counts.accepted,
            durable: counts.durable,
            dropped: counts.dropped,
            queued: counts.accepted - counts.durable - counts.dropped,
            queued_bytes: counts.queued_bytes,
            detached: self.0.0.detached.load(Ordering::Relaxed),
            stream: self
                .0
                .0
                .stream
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            ..Health::default()
        };
        self.0.0.condition.tell(&mut health);
        health
    }
}

impl Submit for Recorder {
    fn submit(&self, mut record: Box<AuditRecord>) {
        if self.is_forked() {
            return refuse(&mut record, AckError::Forked);
        }
        if record.capture == Capture::Detached {
            self.0.0.detached.fetch_add(1, Ordering::Relaxed);
        }
        if self.0.0.queue.push(record) == Admission::Dropped {
            self.trouble("a record was dropped: the queue is full".to_owned());
        }
    }

    fn try_submit(&self, mut record: Box<AuditRecord>) -> Result<(), AckError> {
        if let Err(error) = self.check_open() {
            refuse(&mut record, error);
            return Err(error);
        }
        let pushed = self.0.0.queue.try_push(record);
        if pushed == Err(AckError::QueueFull) {
            self.trouble("a call was refused: the queue is full".to_owned());
        }
        pushed
    }

    fn hurry(&self) -> Result<(), AckError> {
        self.check_open()?;
        self.0.0.queue.hurry()
    }

    fn begins(&self) -> bool {
        self.0.0.begins
    }

    fn hashes_on_span(&self) -> bool {
        self.0.0.hashes_on_span
    }

    fn now(&self) -> Timestamp {
        self.0.0.now()
    }

    fn random(&self, bytes: &mut [u8]) {
        self.0.0.seams.entropy.fill(bytes);
    }

    fn judge(&self, record: &AuditRecord) -> Judged {
        judge::judge_shown(record, &self.0.0.prices)
    }

    fn hashes(&self, record: &AuditRecord) -> Hashes {
        self.0.0.sealer.hashes(record)
    }
}
