//! National identification, social security and personal tax numbers.
//!
//! Promise: linear time; a number is taken where its check digits, its date and its form leave little doubt, and
//! otherwise where a word before it says what it is. Countries and numbers: `digits` and `letters` list them.

mod check;
mod digits;
mod letters;
mod words;

use std::ops::Range;

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    digits::find(text, found);
    letters::find(text, found);
}
