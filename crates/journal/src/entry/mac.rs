//! The mac of an entry: by it a writer that starts again knows its own unsigned entries from anybody else's.
//!
//! Promise: exactly the formula of the format document. The mac is not part of the leaf: it proves nothing to others.
//! Not here: where the tail key lies and who may read it (`journal`).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::ids::Leaf;

const TAIL_LABEL: &[u8] = b"llm-audit/v1/tail\n";

/// The secret that never leaves the host: 32 random bytes. Never printed.
#[derive(Clone)]
pub struct TailKey {
    id: String,
    plain: Hmac<Sha256>,
    /// The label is hashed already: label and leaf fit one block.
    labelled: Hmac<Sha256>,
}

impl TailKey {
    /// Makes the key from its bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        // HMAC pads a shorter key with zeros to a block.
        let mut block = Zeroizing::new([0; 64]);
        block[..bytes.len()].copy_from_slice(bytes);
        let plain = Hmac::<Sha256>::new(&(*block).into());
        let labelled = plain.clone().chain_update(TAIL_LABEL);
        Self {
            id: key_id(bytes),
            plain,
            labelled,
        }
    }

    /// Returns eight hex digits of the key's SHA-256, as its `key` entry names it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the mac of an entry with this leaf.
    pub fn mac(&self, leaf: Leaf) -> [u8; 16] {
        let mut hmac = self.labelled.clone();
        hmac.update(leaf.as_bytes());
        let whole: [u8; 32] = hmac.finalize().into_bytes().into();
        std::array::from_fn(|at| whole[at])
    }

    /// Returns HMAC-SHA-256 under this key over bytes of the host's own, such as a cache.
    pub(crate) fn mac_of(&self, bytes: &[u8]) -> [u8; 32] {
        self.plain
            .clone()
            .chain_update(bytes)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Says whether `mac` is that of [`TailKey::mac_of`], in constant time.
    pub(crate) fn fits_bytes(&self, bytes: &[u8], mac: &[u8]) -> bool {
        self.plain
            .clone()
            .chain_update(bytes)
            .verify_slice(mac)
            .is_ok()
    }

    /// Says whether `mac` is the mac of an entry with this leaf, in constant time.
    pub fn fits(&self, leaf: Leaf, mac: &[u8; 16]) -> bool {
        let mut hmac = self.labelled.clone();
        hmac.update(leaf.as_bytes());
        hmac.verify_truncated_left(mac).is_ok()
    }
}

/// Returns the id of a secret key: eight hex digits of its SHA-256.
pub(crate) fn key_id(key: &[u8; 32]) -> String {
    let hash: [u8; 32] = Sha256::digest(key).into();
    let [a, b, c, d, ..] = hash;
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

impl fmt::Debug for TailKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TailKey({})", self.id)
    }
}
