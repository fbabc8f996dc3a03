//! What is put in a finding's place.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How many of a number's last places a mask leaves.
const PLACES_LEFT: usize = 4;
/// Bytes of a digest that are written: enough to tell a conversation's values apart. As letters, `a` for 0 to `p` for 15:
/// one of digits alone, behind `phone:`, would look like what it stands for.
const DIGEST_BYTES: usize = 6;

/// What is done with what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Replaces it with its type: `[redacted:email]`.
    #[default]
    Redact,
    /// Replaces its letters and digits with `*`, but the last four of a card, an account or a telephone.
    Mask,
    /// Replaces it with its type and a keyed digest, so that the same value stays recognisable: `[email:dpckjmebnahe]`.
    ///
    /// The digest is of HMAC-SHA-256 under the redactor's key: see [`Builder::digest_key`](super::Builder::digest_key).
    Digest,
    /// Redacts it, and says that the call is not to be sent: [`Findings::blocked`](super::Findings::blocked).
    Block,
    /// Leaves it, and tells that it is there.
    Keep,
}

impl Action {
    /// Returns the word in the record's events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redact => "redacted",
            Self::Mask => "masked",
            Self::Digest => "digested",
            Self::Block => "blocked",
            Self::Keep => "kept",
        }
    }
}

/// The key of digests.
#[derive(Clone)]
pub(super) struct DigestKey(pub(super) Zeroizing<Vec<u8>>);

/// Writes what stands for `value`.
pub(super) fn write(out: &mut String, action: Action, kind: &str, value: &str, key: &DigestKey) {
    match action {
        Action::Redact | Action::Block => out.extend(["[redacted:", kind, "]"]),
        Action::Mask => mask(out, kind, value),
        Action::Digest => digest(out, kind, value, key),
        Action::Keep => out.push_str(value),
    }
}

fn mask(out: &mut String, kind: &str, value: &str) {
    let is_place = |letter: &char| letter.is_alphanumeric();
    let places = value.chars().filter(is_place).count();
    let left = if matches!(kind, "credit_card" | "iban" | "phone") {
        PLACES_LEFT
    } else {
        0
    };
    let mut at = 0;
    for letter in value.chars() {
        let is_hidden = is_place(&letter) && at + left < places;
        at += usize::from(is_place(&letter));
        out.push(if is_hidden { '*' } else { letter });
    }
}

fn digest(out: &mut String, kind: &str, value: &str, key: &DigestKey) {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    mac.update(kind.as_bytes());
    mac.update(&[0]);
    mac.update(value.as_bytes());
    let digest = mac.finalize().into_bytes();
    out.extend(["[", kind, ":"]);
    for byte in &digest[..DIGEST_BYTES] {
        out.extend([byte >> 4, byte & 15].map(|half| char::from(b'a' + half)));
    }
    out.push(']');
}
