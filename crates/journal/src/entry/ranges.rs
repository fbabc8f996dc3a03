//! The ranges `[[first,last],...]` in events: numbers from outside, checked before anybody computes with them.
//!
//! Promise: what passes is ascending, disjoint and within the numbers that its entry can know of; the work goes with the
//! bytes that were read, never with what they claim.
//! Not here: whether what a range names is there (`journal`).

use super::{NUMBER_MAX, kind::Kind, position::Position};
use crate::json;

/// Which members of an event are ranges.
const RANGES: [(Kind, &str, Numbers); 7] = [
    (Kind::Gap, "acc", Numbers::Acc),
    (Kind::Gap, "seq", Numbers::Seq),
    (Kind::Recovery, "acc", Numbers::Acc),
    (Kind::Retention, "acc", Numbers::Acc),
    (Kind::Retention, "seq", Numbers::Seq),
    (Kind::Erasure, "seq", Numbers::Seq),
    (Kind::Hold, "seq", Numbers::Seq),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// Acceptance numbers, from 1.
    Acc,
    /// Numbers of entries, from 0.
    Seq,
}

/// Returns the name of a member of the event whose ranges break a rule of the format.
///
/// Releases before macs gave an entry the greatest number before those that it names: then later entries show them.
pub(super) fn wrong_member(at: &Position, event: &[u8], has_mac: bool) -> Option<&'static str> {
    let acc_max = if has_mac { at.acc } else { NUMBER_MAX };
    let mut ranges = RANGES.iter().filter(|(kind, ..)| *kind == at.kind);
    let wrong = ranges.find(|(_, name, numbers)| {
        json::member(event, name).is_some_and(|value| {
            !read(value).is_some_and(|ranges| fits(&ranges, *numbers, at, acc_max, event))
        })
    });
    wrong.map(|(_, name, _)| *name)
}

fn fits(
    ranges: &[(u64, u64)],
    numbers: Numbers,
    at: &Position,
    acc_max: u64,
    event: &[u8],
) -> bool {
    // Entries of another stream that cannot be appended to are served from here: its numbers are not known here.
    let other = json::member(event, "stream").and_then(json::text);
    let is_own = other.is_none_or(|stream| stream == at.stream.to_string());
    let (first, last) = match numbers {
        Numbers::Acc if is_own => (1, acc_max),
        Numbers::Acc => (1, NUMBER_MAX),
        // Without an entry before it there is nothing to name.
        Numbers::Seq if is_own => (0, at.seq.saturating_sub(1)),
        Numbers::Seq => (0, NUMBER_MAX),
    };
    let inside = |(low, high): &(u64, u64)| first <= *low && low <= high && *high <= last;
    ranges.iter().all(inside) && ranges.windows(2).all(|pair| pair[0].1 < pair[1].0)
}

/// Reads `[[first,last],...]`; none where it is something else.
pub(crate) fn read(list: &[u8]) -> Option<Vec<(u64, u64)>> {
    json::elements(list).map(|item| pair(item.ok()?)).collect()
}

fn pair(pair: &[u8]) -> Option<(u64, u64)> {
    let mut numbers = json::elements(pair);
    let first = json::unsigned(numbers.next()?.ok()?)?;
    let last = json::unsigned(numbers.next()?.ok()?)?;
    numbers.next().is_none().then_some((first, last))
}
