//! What a redactor found: types, places and actions, never values.

use std::{collections::BTreeMap, ops::Range};

use super::Action;
use crate::{LlmCall, SanitizationEvent};

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The type of what was found, such as `email`.
    pub kind: String,
    /// Who found it.
    pub detector: String,
    /// JSON Pointer to the string it is in; the host's own member names are `*`. Empty for a plain text.
    pub pointer: String,
    /// Where it is in that string or text before the redaction, in bytes of its UTF-8.
    pub place: Range<usize>,
    /// What was done.
    pub action: Action,
}

/// All that was found in one text or body, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub(super) all: Vec<Finding>,
}

impl Findings {
    /// Says whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns how many things were found.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.all.iter()
    }

    /// Returns the reason's code where something was found for which the call is not to be sent: `sanitize.api_key`.
    pub fn blocked(&self) -> Option<String> {
        let blocks = |finding: &&Finding| finding.action == Action::Block;
        let first = self.all.iter().find(blocks)?;
        Some(format!("sanitize.{}", first.kind))
    }

    /// Returns the record's events: one for each type, place, action and detector.
    pub fn events(&self) -> Vec<SanitizationEvent> {
        let mut counts = BTreeMap::new();
        for (order, finding) in self.all.iter().enumerate() {
            let key = (
                &finding.pointer,
                &finding.kind,
                finding.action.as_str(),
                &finding.detector,
            );
            counts.entry(key).or_insert((order, 0)).1 += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, (order, _))| *order);
        let event = |((pointer, kind, action, detector), (_, count)): (
            (&String, &String, &str, &String),
            (usize, u64),
        )| {
            SanitizationEvent::new(kind, count)
                .pointer(pointer)
                .action(action)
                .detector(detector)
        };
        counts.into_iter().map(event).collect()
    }

    /// Tells a call's record what was found and, where the call is not to be sent, that it was blocked.
    ///
    /// The host refuses the call: see [`Findings::blocked`].
    pub fn tell(&self, call: &LlmCall) {
        for event in self.events() {
            call.sanitized(event);
        }
        if let Some(reason) = self.blocked() {
            call.blocked(reason);
        }
    }
}
