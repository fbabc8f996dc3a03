//! A set of numbers, kept as ranges: which acceptance numbers were written or named.
//!
//! Promise: memory goes with the number of holes, not with the number of numbers.

use std::collections::BTreeMap;

/// Numbers as inclusive, disjoint, ascending ranges that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds one number, and says whether it is new.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        // The usual case: it follows the last.
        if let Some(mut last) = self.0.last_entry()
            && last.get().checked_add(1) == Some(number)
        {
            *last.get_mut() = number;
            return true;
        }
        if self.contains(number) {
            return false;
        }
        self.insert_range(number, number);
        true
    }

    /// Adds all numbers from `first` to `last`.
    pub(crate) fn insert_range(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let (mut start, mut end) = (first, last);
        let reach = last.saturating_add(1);
        while let Some((&low, &high)) = self.0.range(..=reach).next_back() {
            if high.saturating_add(1) < start {
                break;
            }
            start = start.min(low);
            end = end.max(high);
            self.0.remove(&low);
        }
        self.0.insert(start, end);
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        let before = self.0.range(..=number).next_back();
        before.is_some_and(|(_, last)| *last >= number)
    }

    /// Returns the greatest number, 0 where there is none.
    pub(crate) fn max(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(_, last)| *last)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many numbers there are.
    pub(crate) fn count(&self) -> u64 {
        self.iter().fold(0, |sum, (first, last)| {
            sum.saturating_add(last - first).saturating_add(1)
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(first, last)| (*first, *last))
    }

    /// Returns the numbers from 1 to `last` that are missing.
    pub(crate) fn missing_to(&self, last: u64) -> Self {
        let mut missing = Self::default();
        let mut next = 1;
        for (first, end) in self.iter().take_while(|(first, _)| *first <= last) {
            if first > next {
                missing.insert_range(next, first - 1);
            }
            next = next.max(end.saturating_add(1));
        }
        missing.insert_range(next, last);
        missing
    }

    /// Writes `[[first,last],...]`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, (first, last)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            out.extend_from_slice(format!("{comma}[{first},{last}]").as_bytes());
        }
        out.push(b']');
    }
}

impl Extend<(u64, u64)> for Ranges {
    fn extend<I: IntoIterator<Item = (u64, u64)>>(&mut self, ranges: I) {
        for (first, last) in ranges {
            self.insert_range(first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_set(numbers in proptest::collection::vec(1_u64..60, 0..80), last in 1_u64..70) {
            let mut ranges = Ranges::default();
            let mut model = std::collections::BTreeSet::new();
            for number in numbers {
                prop_assert_eq!(ranges.insert(number), model.insert(number));
            }
            prop_assert_eq!(ranges.count(), model.len() as u64);
            prop_assert_eq!(ranges.max(), model.last().copied().unwrap_or(0));
            let missing = ranges.missing_to(last);
            for number in 0..70 {
                prop_assert_eq!(ranges.contains(number), model.contains(&number));
                let is_missing = (1..=last).contains(&number) && !model.contains(&number);
                prop_assert_eq!(missing.contains(number), is_missing);
            }
            let touching = ranges.iter().zip(ranges.iter().skip(1)).any(|(a, b)| a.1 + 1 >= b.0);
            prop_assert!(!touching);
        }
    }

    #[test]
    fn ranges_join() {
        let mut ranges = Ranges::default();
        ranges.extend([(1, 3), (7, 9), (4, 6)]);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(1, 9)]);
        let mut out = Vec::new();
        ranges.write(&mut out);
        assert_eq!(out, b"[[1,9]]");
    }
}
