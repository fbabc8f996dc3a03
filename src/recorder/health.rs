//! What the host can read about the audit: counters that always add up, and what went wrong last.
//!
//! Promise: `accepted = durable + dropped + queued` in every [`Health`] that is read. What was found in the journal's
//! directory and the end of the writing thread stay; every other trouble is over once writing works again.
//! Not here: the followers' own health (`follower`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use llm_audit_journal::clock::Timestamp;

/// The recorder's counters since this process began, and its last trouble.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Records that were taken in: `durable + dropped + queued`.
    pub accepted: u64,
    /// Records whose lines are in the journal, and synced.
    pub durable: u64,
    /// Records that will never be in the journal; `gap` entries name them. Once the writing thread has ended also those
    /// that are not known to be durable, which no entry names.
    pub dropped: u64,
    /// Records that are on their way.
    pub queued: u64,
    /// Bytes that the queued records hold in memory, those already taken by the writer not counted.
    pub queued_bytes: u64,
    /// Records written by a handle whose span was disabled.
    pub detached: u64,
    /// False from the first failed write or drop until a later write succeeds with nothing dropped since; false for
    /// good once something was `found`, once the writing thread has ended, and in a forked child.
    pub is_good: bool,
    /// The last trouble, if any; the end of the writing thread, once it has ended.
    pub last_error: Option<Trouble>,
    /// What was found wrong with the journal's directory since this process opened it, each once, at most 32 of them.
    /// No later success makes it right: look at the directory, and restart the process.
    pub found: Vec<Trouble>,
    /// The stream that is written: 32 hex digits.
    pub stream: Option<String>,
}

/// Something that went wrong, without content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trouble {
    /// When.
    pub at: Timestamp,
    /// What, where, and what becomes of it.
    pub text: String,
}

/// The most findings that are kept: the first ones, for they tell how it began.
const FOUND_MAX: usize = 32;

/// The troubles as the recorder keeps them.
pub(crate) struct Condition(Mutex<State>);

#[derive(Clone)]
struct State {
    is_good: bool,
    last_error: Option<Trouble>,
    found: Vec<Trouble>,
    /// Why nothing is written any more.
    ended: Option<Trouble>,
}

impl Condition {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            is_good: true,
            last_error: None,
            found: Vec::new(),
            ended: None,
        }))
    }

    /// Notes a trouble: health is bad until something succeeds.
    pub(crate) fn trouble(&self, at: Timestamp, text: String) {
        let mut state = self.lock();
        state.is_good = false;
        state.last_error = Some(Trouble { at, text });
    }

    /// Notes a finding about the journal's directory: health is bad from now on.
    pub(crate) fn found(&self, at: Timestamp, text: String) {
        let mut state = self.lock();
        let is_known = state.found.iter().any(|known| known.text == text);
        if !is_known && state.found.len() < FOUND_MAX {
            state.found.push(Trouble { at, text });
        }
    }

    /// Notes that the writing thread has ended: health is bad from now on, and this is its reason.
    pub(crate) fn ended(&self, at: Timestamp, text: String) {
        self.lock().ended = Some(Trouble { at, text });
    }

    /// Notes that writing works; the last trouble stays readable.
    pub(crate) fn good(&self) {
        self.lock().is_good = true;
    }

    /// Fills in what a host reads of it.
    pub(crate) fn tell(&self, health: &mut Health) {
        let state = self.lock().clone();
        health.is_good = state.is_good && state.found.is_empty() && state.ended.is_none();
        health.last_error = state.ended.or(state.last_error);
        health.found = state.found;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_micros(7);

    fn told(condition: &Condition) -> Health {
        let mut health = Health::default();
        condition.tell(&mut health);
        health
    }

    /// A damaged stream was good news again with the next record that was written.
    #[test]
    fn a_finding_stays_when_writing_works() {
        let condition = Condition::new();
        assert!(told(&condition).is_good);
        condition.found(AT, "stream 07 is damaged".to_owned());
        condition.good();
        let health = told(&condition);
        assert!(!health.is_good && health.last_error.is_none());
        assert_eq!(health.found[0].text, "stream 07 is damaged");
    }

    #[test]
    fn equal_findings_are_kept_once_and_no_more_than_the_bound() {
        let condition = Condition::new();
        for number in 0..100 {
            condition.found(AT, format!("finding {}", number / 2));
        }
        let texts: Vec<String> = told(&condition)
            .found
            .into_iter()
            .map(|finding| finding.text)
            .collect();
        let first: Vec<String> = (0..FOUND_MAX)
            .map(|number| format!("finding {number}"))
            .collect();
        assert_eq!(texts, first);
    }

    #[test]
    fn the_end_of_the_writer_stays_the_reason() {
        let condition = Condition::new();
        condition.ended(AT, "ended".to_owned());
        condition.trouble(AT, "a folder cannot be listed".to_owned());
        condition.good();
        let health = told(&condition);
        assert!(!health.is_good);
        assert_eq!(health.last_error.expect("bad").text, "ended");
    }
}
