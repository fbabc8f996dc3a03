//! Hashes of content: the same for the same content, by whichever way it came.
//!
//! Promise: what is hashed is written down here, so that anyone who has the content and the key can do it again.
//! Not here: what a call's content is (`seal`), where keys lie (`journal`).
//!
//! # What is hashed
//! A single text: its UTF-8 bytes; a JSON value that is a string is the text that it spells. Any other JSON: its
//! canonical form (RFC 8785). Bytes that are no JSON: as they are. Nothing and `null` have no hash.

use std::{borrow::Cow, fmt::Write as _};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use llm_audit_journal::{journal::HashKey, json};

/// How content is hashed.
///
/// A hash without a key is reversible in minutes where the content is short and guessable, such as a name or a phone
/// number: keep the default unless a reader needs the plain one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Hashing {
    /// HMAC-SHA-256 under the key that lies beside the journal, made when there is none: `hmac-sha256:<key id>:<hex>`.
    #[default]
    Hmac,
    /// HMAC-SHA-256 under a given key: one key for a fleet makes the same prompt findable everywhere.
    HmacWith(HashKey),
    /// SHA-256 without a key: `sha256:<hex>`.
    Sha256,
    /// No hashes.
    Off,
}

impl Hashing {
    /// Says whether the key beside the journal is needed.
    pub(crate) fn needs_key(&self) -> bool {
        matches!(self, Self::Hmac)
    }

    /// Returns the word in a `config` entry.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Hmac | Self::HmacWith(_) => "hmac-sha256",
            Self::Sha256 => "sha256",
            Self::Off => "off",
        }
    }
}

/// Content on its way into a hash.
#[derive(Clone)]
pub(crate) enum Material<'a> {
    Text(Cow<'a, str>),
    /// JSON, or bytes that were taken for it.
    Json(Cow<'a, [u8]>),
}

/// Hashes content in one way.
pub(crate) enum Digester {
    Hmac { prefix: String, keyed: Hmac<Sha256> },
    Sha256,
    Off,
}

impl Digester {
    /// Makes a digester; `key` is the one beside the journal.
    pub(crate) fn new(hashing: &Hashing, key: Option<&HashKey>) -> Self {
        let key = match hashing {
            Hashing::HmacWith(key) => Some(key),
            Hashing::Hmac => key,
            Hashing::Sha256 => return Self::Sha256,
            Hashing::Off => return Self::Off,
        };
        // A key that should be there and is not must not turn into a hash without one.
        key.map_or(Self::Off, |key| Self::Hmac {
            prefix: format!("hmac-sha256:{}:", key.id()),
            keyed: Hmac::new_from_slice(key.bytes()).expect("HMAC takes keys of any length"),
        })
    }

    /// Hashes content; the text is empty where there is nothing to hash. `scratch` is overwritten.
    pub(crate) fn hash(&self, content: &Material<'_>, scratch: &mut Vec<u8>) -> String {
        match content {
            Material::Text(text) => self.hash_bytes(text.as_bytes()),
            Material::Json(json) => self.hash_json(json, scratch),
        }
    }

    fn hash_json(&self, json: &[u8], scratch: &mut Vec<u8>) -> String {
        if matches!(self, Self::Off) || json.trim_ascii() == b"null" {
            return String::new();
        }
        if let Some(text) = json::text(json) {
            return self.hash_bytes(text.as_bytes());
        }
        scratch.clear();
        match json::canonical(scratch, json) {
            Ok(()) => self.hash_bytes(scratch),
            Err(_) => self.hash_bytes(json),
        }
    }

    fn hash_bytes(&self, bytes: &[u8]) -> String {
        if bytes.is_empty() {
            return String::new();
        }
        match self {
            Self::Hmac { prefix, keyed } => {
                let mut keyed = keyed.clone();
                keyed.update(bytes);
                spelled(prefix, &keyed.finalize().into_bytes())
            }
            Self::Sha256 => spelled("sha256:", &Sha256::digest(bytes)),
            Self::Off => String::new(),
        }
    }
}

fn spelled(prefix: &str, hash: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(prefix.len() + 2 * hash.len());
    let _ = out.write_str(prefix);
    for byte in hash {
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(hashing: &Hashing, content: &Material<'_>) -> String {
        let key = HashKey::from_bytes([7; 32]);
        Digester::new(hashing, Some(&key)).hash(content, &mut Vec::new())
    }

    fn text(text: &str) -> Material<'_> {
        Material::Text(text.into())
    }

    fn json(json: &str) -> Material<'_> {
        Material::Json(json.as_bytes().into())
    }

    #[test]
    fn spelling_of_the_three_ways() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            hash(&Hashing::Sha256, &text("abc")),
            format!("sha256:{abc}")
        );
        assert_eq!(hash(&Hashing::Off, &text("abc")), "");
        let key = HashKey::from_bytes([7; 32]);
        let keyed = hash(&Hashing::Hmac, &text("abc"));
        assert!(keyed.starts_with(&format!("hmac-sha256:{}:", key.id())) && !keyed.contains(abc));
        assert_eq!(hash(&Hashing::HmacWith(key), &text("abc")), keyed);
        // RFC 4231, test case 2, has another key length; the state is hmac's own.
        let rfc = Hmac::<Sha256>::new_from_slice(b"Jefe")
            .expect("any length")
            .chain_update(b"what do ya want for nothing?");
        let expected = "x:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(spelled("x:", &rfc.finalize().into_bytes()), expected);
    }

    #[test]
    fn spelling_of_json_does_not_matter() {
        let one = hash(
            &Hashing::Sha256,
            &json(r#"[{"role":"user","content":"\u00e9","n":1.0}]"#),
        );
        let other = hash(
            &Hashing::Sha256,
            &json(" [ { \"n\" : 1, \"content\":\"é\",\"role\":\"user\"} ] "),
        );
        assert_eq!(one, other);
        assert_eq!(
            hash(&Hashing::Sha256, &json("\"abc\"")),
            hash(&Hashing::Sha256, &text("abc"))
        );
        assert_eq!(
            hash(&Hashing::Sha256, &json("no JSON")),
            hash(&Hashing::Sha256, &text("no JSON"))
        );
        for nothing in [json(""), json("null"), text("")] {
            assert_eq!(hash(&Hashing::Sha256, &nothing), "");
        }
    }
}
