//! JSON as the journal spells it: one spelling for every value, judged on bytes and never on parsed values.
//!
//! Promise: what [`normalize`] and [`write_str`] write, the journal's strict reader accepts, and two spellings of one
//! text or number never both pass. Independent of `serde_json` and of the features that other crates switch on in it.
//! Not here: which members a line has and in what order (`entry`).

mod canonical_keys;
mod number;
mod raw;
mod rewrite;
mod scan;
mod spelling;
mod strict;
mod strings;
#[cfg(test)]
mod tests;

pub use raw::{elements, member, members, text, unsigned};
pub use rewrite::{NormalizeError, canonical, normalize};
pub use spelling::write_str;
pub use strict::Misspelling;
pub(crate) use strict::{Strict, are_unique};
pub use strings::{Place, Step, exchange_strings};

/// The deepest nesting of objects and arrays in a line; the line itself is depth 1. Bounds every reader's stack.
pub const DEPTH_MAX: usize = 64;

/// The longest spelling of a number, in characters: exact for every 64-bit integer and every price, and short enough
/// for any reader's decimal type. A longer one becomes a string.
pub const NUMBER_CHARS_MAX: usize = 40;
