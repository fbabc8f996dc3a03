//! The durable acknowledgement of one record: waited for by a thread, or awaited by any runtime.
//!
//! Promise: it resolves to `Ok` only after `fdatasync` returned for the record's line, and it always resolves.
//! Not here: what makes it resolve (`recorder`).

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// Where a record lies, once it is durable: the key that every exported copy carries too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Durable {
    /// The number in the order of acceptance, from 1, within its stream.
    pub acc: u64,
}

/// Why a record will never be durable, or is not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The queue was full for longer than `queue_wait_max`, or the record could not be written; a `gap` entry names it.
    #[error("the audit record was dropped; the journal's gap entry names it")]
    Dropped,
    /// The span of this handle is not audited, so there is no record to wait for.
    #[error("the call is not audited")]
    NotAudited,
    /// The queue is full: nothing more is accepted, and nothing was waited for.
    #[error("the audit queue is full")]
    QueueFull,
    /// The guard was shut down or dropped: the audit has ended.
    #[error("the audit was shut down")]
    ShutDown,
    /// The time given to `wait` ran out first.
    #[error("the audit record is not durable yet")]
    TimedOut,
}

#[derive(Default)]
struct State {
    result: Option<Result<Durable, AckError>>,
    wakers: Vec<Waker>,
}

/// The end of an acknowledgement that the recorder resolves.
#[derive(Default)]
pub(crate) struct AckCell {
    state: Mutex<State>,
    resolved: Condvar,
}

impl AckCell {
    /// Resolves it; the first result stands.
    pub(crate) fn resolve(&self, result: Result<Durable, AckError>) {
        let wakers = {
            let mut state = self.lock();
            state.result.get_or_insert(result);
            std::mem::take(&mut state.wakers)
        };
        self.resolved.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    // A waker that panics cannot leave the state half written: it holds a result or it does not.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AckCell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AckCell({:?})", self.lock().result)
    }
}

/// Resolves when the call's record is durable, after the call has ended.
///
/// A [`Future`] for any runtime; [`Ack::wait`] blocks instead. Dropping it cancels nothing.
#[derive(Clone, Debug)]
#[must_use = "an acknowledgement does nothing until it is waited for"]
pub struct Ack(Arc<AckCell>);

impl Ack {
    /// Makes both ends.
    pub(crate) fn pair() -> (Self, Arc<AckCell>) {
        let cell = Arc::new(AckCell::default());
        (Self(Arc::clone(&cell)), cell)
    }

    /// Makes the second handle on a cell.
    pub(crate) fn of(cell: &Arc<AckCell>) -> Self {
        Self(Arc::clone(cell))
    }

    /// Makes one that is resolved already.
    pub(crate) fn ready(result: Result<Durable, AckError>) -> Self {
        let (ack, cell) = Self::pair();
        cell.resolve(result);
        ack
    }

    /// Blocks this thread until the record is durable, at most for `timeout`.
    ///
    /// # Errors
    /// [`AckError`] where the record was dropped, is not audited, or the time ran out.
    pub fn wait(&self, timeout: Duration) -> Result<Durable, AckError> {
        let deadline = Instant::now() + timeout;
        let mut state = self.0.lock();
        loop {
            if let Some(result) = state.result {
                return result;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(AckError::TimedOut);
            }
            let waited = self.0.resolved.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Future for Ack {
    type Output = Result<Durable, AckError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.lock();
        if let Some(result) = state.result {
            return Poll::Ready(result);
        }
        if !state
            .wakers
            .iter()
            .any(|waker| waker.will_wake(context.waker()))
        {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_a_waiting_thread_and_keeps_the_first_result() {
        let (ack, cell) = Ack::pair();
        let waiter = {
            let ack = ack.clone();
            std::thread::spawn(move || ack.wait(Duration::from_secs(10)))
        };
        cell.resolve(Ok(Durable { acc: 7 }));
        cell.resolve(Err(AckError::Dropped));
        assert_eq!(waiter.join().expect("no panic"), Ok(Durable { acc: 7 }));
    }

    #[test]
    fn wakes_a_future_of_any_runtime() {
        let (ack, cell) = Ack::pair();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("runtime");
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            cell.resolve(Err(AckError::Dropped));
        });
        assert_eq!(runtime.block_on(ack), Err(AckError::Dropped));
    }

    #[test]
    fn a_wait_ends_when_its_time_does() {
        let (ack, _cell) = Ack::pair();
        assert_eq!(ack.wait(Duration::from_millis(1)), Err(AckError::TimedOut));
    }
}
