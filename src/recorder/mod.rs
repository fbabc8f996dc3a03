//! The recorder: from a finished record to a durable line, with the caller gone on.
//!
//! Promise: no accepted record is lost silently. A full queue holds a caller for at most `queue_wait_max`, once; then
//! records are dropped without waiting until there is room, health says so, and a `gap` entry names them.
//! Not here: files (`journal`), content policy (`seal`), sending (`follower`).

mod health;
mod queue;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

pub use self::health::{Health, Trouble};
pub(crate) use self::queue::{Limits, Pace};
use self::{
    health::Condition,
    queue::{Admission, Flush, Queue},
    worker::Worker,
};
use crate::{
    ack::{Ack, AckError},
    clock::Timestamp,
    journal::{JournalWriter, Seams},
    judge,
    outcome::{Judged, Outcome},
    price::PriceTable,
    record::{AuditRecord, Capture},
    seal::Sealer,
    submit::{Hashes, Submit},
};

/// What the recorder is made of.
pub(crate) struct RecorderOptions {
    pub(crate) limits: Limits,
    pub(crate) pace: Pace,
    pub(crate) begins: bool,
    pub(crate) hashes_on_span: bool,
    pub(crate) sealer: Sealer,
    pub(crate) prices: Arc<PriceTable>,
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
    fn now(&self) -> Timestamp {
        self.seams.clock.now()
    }

    fn trouble(&self, text: String) {
        self.condition.trouble(self.now(), text);
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

/// The last one dropped ends the writing thread, in order.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

impl Recorder {
    /// Starts the writing thread over an open journal.
    pub(crate) fn start(
        options: RecorderOptions,
        seams: Seams,
        writer: JournalWriter,
        streams: Arc<dyn Streams>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
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
        });
        let worker = Worker::new(Arc::clone(&shared), streams, writer);
        thread::Builder::new()
            .name("llm-audit-writer".to_owned())
            .spawn(move || worker.run())?;
        Ok(Self(Arc::new(Handle(shared))))
    }

    /// Waits until all that was accepted before is durable or named; with `rest`, closes the stream as well.
    ///
    /// # Errors
    /// [`AckError::TimedOut`] where the time ran out first; the health says what is left.
    pub(crate) fn flush(&self, timeout: Duration, rest: bool) -> Result<(), AckError> {
        let (ack, done) = Ack::pair();
        self.0.0.queue.flush(Flush { done, rest });
        ack.wait(timeout).map(|_| ())
    }

    /// Refuses beginnings from now on: what asks for a durable one asks too late. All else is still written.
    pub(crate) fn shut_down(&self) {
        self.0.0.is_shut_down.store(true, Ordering::Relaxed);
    }

    fn check_open(&self) -> Result<(), AckError> {
        if self.0.0.is_shut_down.load(Ordering::Relaxed) {
            Err(AckError::ShutDown)
        } else {
            Ok(())
        }
    }

    pub(crate) fn health(&self) -> Health {
        let counts = self.0.0.queue.counts();
        let (is_good, last_error) = self.0.0.condition.read();
        Health {
            accepted: counts.accepted,
            durable: counts.durable,
            dropped: counts.dropped,
            queued: counts.accepted - counts.durable - counts.dropped,
            queued_bytes: counts.queued_bytes,
            detached: self.0.0.detached.load(Ordering::Relaxed),
            is_good,
            last_error,
            stream: self
                .0
                .0
                .stream
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}

impl Submit for Recorder {
    fn submit(&self, record: Box<AuditRecord>) {
        if record.capture == Capture::Detached {
            self.0.0.detached.fetch_add(1, Ordering::Relaxed);
        }
        if self.0.0.queue.push(record) == Admission::Dropped {
            self.0.0.condition.trouble(
                self.now(),
                "a record was dropped: the queue is full".to_owned(),
            );
        }
    }

    fn try_submit(&self, record: Box<AuditRecord>) -> Result<(), AckError> {
        self.check_open()?;
        if self.0.0.queue.try_push(record) {
            return Ok(());
        }
        let text = "a call was refused: the queue is full".to_owned();
        self.0.0.condition.trouble(self.now(), text);
        Err(AckError::QueueFull)
    }

    fn hurry(&self) -> Result<(), AckError> {
        self.check_open()?;
        self.0.0.queue.hurry();
        Ok(())
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
