//! Takes personal data and credentials out of a prompt before it is sent, and tells the audit record what was done.
//!
//! A [`Redactor`] runs [`Detector`]s over a text or a JSON body and acts by kind: replaces, masks, digests, keeps or
//! blocks. What it found, by type, count, place and action and never by value, goes into the call's record.
//!
//! ```
//! use tracing_llm_audit::{LlmCall, sanitize::Redactor};
//!
//! let redactor = Redactor::default();
//! let request = br#"{"model":"m","messages":[{"role":"user","content":"I am jo@example.com, 020 7946 0958"}]}"#;
//! let redacted = redactor.json(request)?;
//! let call = LlmCall::current();
//! redacted.findings.tell(&call);
//! assert!(redacted.findings.blocked().is_none());
//! let expected = br#"{"model":"m","messages":[{"role":"user","content":"I am [redacted:email], [redacted:phone]"}]}"#;
//! assert_eq!(redacted.json, expected); // send this, and give it to `call.request_json`
//! # Ok::<(), tracing_llm_audit::json::NormalizeError>(())
//! ```
//!
//! Promise: linear time, whatever the text; no value in `Debug`, events or errors; a JSON body keeps every byte but the
//! strings that changed; what was redacted once is not found again.
//! Not here: names, addresses and what only its meaning makes personal; numbers of a JSON body (strings alone are
//! looked at); pictures and other encoded content.

mod builtin;
mod card;
mod digits;
mod email;
mod findings;
mod iban;
mod ip;
mod jwt;
mod key;
mod national;
mod overlap;
mod pem;
mod phone;
mod place;
mod redactor;
mod replace;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::ops::Range;

pub use builtin::Builtin;
pub use findings::{Finding, Findings};
pub use redactor::{Builder, RedactedJson, RedactedText, Redactor};
pub use replace::Action;

/// Finds one kind of thing in a text.
///
/// ```
/// use std::ops::Range;
/// use tracing_llm_audit::sanitize::{Detector, Redactor};
///
/// struct Badge;
///
/// impl Detector for Badge {
///     fn name(&self) -> &str {
///         "acme.badge"
///     }
///     fn kind(&self) -> &str {
///         "badge"
///     }
///     fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
///         found.extend(text.match_indices("BADGE-").map(|(at, word)| at..at + word.len() + 4));
///     }
/// }
///
/// let redactor = Redactor::builder().detector(Badge).build();
/// assert_eq!(redactor.text("see BADGE-1234").text, "see [redacted:badge]");
/// ```
pub trait Detector: Send + Sync {
    /// Who found it, in the record's events.
    fn name(&self) -> &str;

    /// The type of what it finds, such as `email`.
    fn kind(&self) -> &str;

    /// Adds the places of what it finds, in byte offsets; one that does not lie between characters is passed over.
    fn find(&self, text: &str, found: &mut Vec<Range<usize>>);
}
