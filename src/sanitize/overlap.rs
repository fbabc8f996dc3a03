//! One finding where several detectors saw something.
//!
//! Promise: what any of them saw is covered; of findings that meet, the longest tells the kind, and of equally long ones
//! the one whose detector stands first.

use std::ops::Range;

/// What one detector saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) place: Range<usize>,
    /// The detector's place in the redactor.
    pub(super) detector: usize,
}

/// Returns what was seen in order, none meeting another.
pub(super) fn settle(mut seen: Vec<Seen>) -> Vec<Seen> {
    seen.sort_by_key(|one| (one.place.start, one.place.end));
    let mut settled: Vec<Seen> = Vec::with_capacity(seen.len());
    let mut longest = 0;
    for one in seen {
        match settled.last_mut() {
            Some(last) if one.place.start < last.place.end => {
                let rank = (one.place.len(), std::cmp::Reverse(one.detector));
                if rank > (longest, std::cmp::Reverse(last.detector)) {
                    (longest, last.detector) = (one.place.len(), one.detector);
                }
                last.place.end = last.place.end.max(one.place.end);
            }
            _ => {
                longest = one.place.len();
                settled.push(one);
            }
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_tells_the_kind_and_all_is_covered() {
        let seen = |place: Range<usize>, detector| Seen { place, detector };
        let settled = settle(vec![
            seen(5..9, 1),
            seen(0..3, 7),
            seen(7..20, 2),
            seen(30..34, 4),
            seen(30..34, 3),
        ]);
        assert_eq!(settled, [seen(0..3, 7), seen(5..20, 2), seen(30..34, 3)]);
    }
}
