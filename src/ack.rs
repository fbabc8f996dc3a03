//! The durable acknowledgement of one record: waited for by a thread, or awaited by any runtime.
//!
//! Promise: it resolves to `Ok` only after `fdatasync` returned for the record's line, and it always resolves: the end
//! that resolves it does so with an error when it is dropped, wherever that happens.
//! Not here: what makes it resolve (`recorder`).

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use llm_audit_journal::clock::Deadline;

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
    /// This process is a fork of the one that opened the audit: it has no writing thread. Build the audit after forking.
    #[error(
        "this process is a fork of the one that opened the audit; build the audit after forking"
    )]
    Forked,
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
    /// The audit's writing thread has ended: nothing more is written. [`crate::AuditGuard::health`] says why.
    #[error(
        "the audit's writing thread has ended; see the audit's health, and restart the process"
    )]
    WriterEnded,
}

#[derive(Default)]
struct State {
    result: Option<Result<Durable, AckError>>,
    wakers: Vec<Waker>,
}

/// What both ends share.
#[derive(Default)]
struct AckCell {
    state: Mutex<State>,
    resolved: Condvar,
}

impl AckCell {
    /// Resolves it, unless that was done: the first result counts.
    fn resolve(&self, result: Result<Durable, AckError>) {
        let wakers = {
            let mut state = self.lock();
            if state.result.is_some() {
                return;
            }
            state.result = Some(result);
            std::mem::take(&mut state.wakers)
        };
        self.resolved.notify_all();
        for waker in wakers {
            // A waker is the caller's code on our thread; one that panics must not end the audit of the others.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    // A waker that panics cannot leave the state half written: it holds a result or it does not.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of an acknowledgement that the recorder resolves; there is one, and it travels with the record.
///
/// Dropped unresolved, it resolves to [`AckError::WriterEnded`]: a record that is lost to a panic, or to an audit that
/// has ended, leaves no caller waiting for ever.
#[derive(Default)]
pub(crate) struct AckResolver(Arc<AckCell>);

impl AckResolver {
    /// Resolves it.
    pub(crate) fn resolve(self, result: Result<Durable, AckError>) {
        self.0.resolve(result);
    }
}

impl Drop for AckResolver {
    fn drop(&mut self) {
        self.0.resolve(Err(AckError::WriterEnded));
    }
}

impl fmt::Debug for AckResolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AckResolver({:?})", self.0)
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
    pub(crate) fn pair() -> (Self, AckResolver) {
        let resolver = AckResolver::default();
        (Self::of(&resolver), resolver)
    }

    /// Makes another handle on what a resolver will resolve.
    pub(crate) fn of(resolver: &AckResolver) -> Self {
        Self(Arc::clone(&resolver.0))
    }

    /// Makes one that is resolved already.
    pub(crate) fn ready(result: Result<Durable, AckError>) -> Self {
        let (ack, resolver) = Self::pair();
        resolver.resolve(result);
        ack
    }

    /// Blocks this thread until the record is durable, at most for `timeout`; [`Duration::MAX`] is for as long as it
    /// takes.
    ///
    /// # Errors
    /// [`AckError`] where the record was dropped, is not audited, the audit's writing thread has ended, or the time ran
    /// out.
    pub fn wait(&self, timeout: Duration) -> Result<Durable, AckError> {
        let pending = |state: &mut State| state.result.is_none();
        let state = Deadline::after(timeout).wait_while(&self.0.resolved, self.0.lock(), pending);
        state.result.unwrap_or(Err(AckError::TimedOut))
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
    fn resolves_a_waiting_thread() {
        let (ack, resolver) = Ack::pair();
        let waiter = {
            let ack = ack.clone();
            std::thread::spawn(move || ack.wait(Duration::from_secs(60)))
        };
        resolver.resolve(Ok(Durable { acc: 7 }));
        assert_eq!(waiter.join().expect("no panic"), Ok(Durable { acc: 7 }));
        assert_eq!(ack.wait(Duration::ZERO), Ok(Durable { acc: 7 }));
    }

    #[test]
    fn wakes_a_future_of_any_runtime() {
        let (ack, resolver) = Ack::pair();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("runtime");
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            resolver.resolve(Err(AckError::Dropped));
        });
        assert_eq!(runtime.block_on(ack), Err(AckError::Dropped));
    }

    #[test]
    fn a_wait_ends_when_its_time_does() {
        let (ack, _resolver) = Ack::pair();
        assert_eq!(ack.wait(Duration::from_millis(1)), Err(AckError::TimedOut));
    }

    /// `Duration::MAX` panicked: now plus it is out of range.
    #[test]
    fn a_wait_for_as_long_as_it_takes_ends_with_the_result() {
        let (ack, resolver) = Ack::pair();
        let waiter = std::thread::spawn(move || ack.wait(Duration::MAX));
        resolver.resolve(Ok(Durable { acc: 7 }));
        assert_eq!(waiter.join().expect("no panic"), Ok(Durable { acc: 7 }));
    }

    /// A record that a panic of the writing thread took with it left its caller waiting for ever.
    #[test]
    fn a_resolver_that_is_dropped_resolves() {
        let (ack, resolver) = Ack::pair();
        let waiter = {
            let ack = ack.clone();
            std::thread::spawn(move || ack.wait(Duration::MAX))
        };
        drop(resolver);
        assert_eq!(waiter.join().expect("no panic"), Err(AckError::WriterEnded));
        assert_eq!(ack.wait(Duration::ZERO), Err(AckError::WriterEnded));
    }

    /// A runtime whose waker panics must not take the thread that wakes with it.
    #[test]
    fn a_waker_that_panics_holds_up_no_other() {
        struct Panics;
        impl std::task::Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("as the test has it");
            }
        }
        let (mut ack, resolver) = Ack::pair();
        let waker = Waker::from(Arc::new(Panics));
        let polled = Pin::new(&mut ack).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        resolver.resolve(Ok(Durable { acc: 7 }));
        assert_eq!(ack.wait(Duration::ZERO), Ok(Durable { acc: 7 }));
    }
}
