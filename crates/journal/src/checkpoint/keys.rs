//! Keys of a configured name, and the keys of its streams that follow from them.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::entry::StreamId;

/// C2SP's algorithm byte for Ed25519.
const ED25519: u8 = 1;

/// No name in any host's configuration comes near; keeps a hostile note's lines short.
const NAME_BYTES_MAX: usize = 255;

/// Why a name or a verifier key could not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The name is empty, too long, or has a space, a control character or a plus.
    #[error("key name is empty, too long, or has a space, a control character or a plus")]
    Name,
    /// The text is not `name+id+base64`.
    #[error("verifier key is not `name+id+base64`")]
    Form,
    /// The key is not an Ed25519 key.
    #[error("verifier key is not an Ed25519 key")]
    Algorithm,
    /// The id is not that of the name and the key.
    #[error("verifier key's id does not fit its name and key")]
    Id,
}

/// The configured name under which an installation signs: an origin without its stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// Takes a name such as `example.com/audit`.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn new(name: &str) -> Result<Self, KeyError> {
        let wrong = |character: char| {
            character.is_whitespace() || character.is_control() || character == '+'
        };
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(wrong) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the origin of a stream's checkpoints, which is also the name of its key.
    pub fn origin(&self, stream: StreamId) -> String {
        format!("{}/{stream}", self.0)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The private key that signs checkpoints. Wiped when dropped; never printed.
pub struct SigningKey {
    name: KeyName,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// Makes the key of its 32 secret bytes.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Self { name, key }
    }

    /// Returns the key that others check signatures with.
    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// Returns the configured name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Signs a note's text.
    pub(super) fn sign(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({})", self.name)
    }
}

/// The public key of a configured name, in C2SP's form `name+id+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    /// Reads the form that [`VerifierKey`] displays as.
    ///
    /// # Errors
    /// [`KeyError`]: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let name = KeyName::new(name)?;
        let bytes = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let Some((&ED25519, public)) = bytes.split_first() else {
            return Err(KeyError::Algorithm);
        };
        let public = public.try_into().map_err(|_| KeyError::Algorithm)?;
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(public).map_err(|_| KeyError::Algorithm)?;
        if hex(key_id(name.as_str(), public)) != id {
            return Err(KeyError::Id);
        }
        Ok(Self { name, key })
    }

    /// Returns the configured name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the id that signatures of this key under the name `origin` carry.
    pub fn id_for(&self, origin: &str) -> [u8; 4] {
        key_id(origin, self.key.as_bytes())
    }

    /// Says whether this key signed the text.
    pub(super) fn has_signed(&self, text: &str, signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.key.verify_strict(text.as_bytes(), &signature).is_ok()
    }
}

/// C2SP's form.
impl fmt::Display for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = hex(self.id_for(self.name.as_str()));
        let key = STANDARD.encode([&[ED25519], self.key.as_bytes().as_slice()].concat());
        write!(out, "{}+{id}+{key}", self.name)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let hasher = Sha256::new_with_prefix(name.as_bytes());
    let hash: [u8; 32] = hasher
        .chain_update([b'\n', ED25519])
        .chain_update(public)
        .finalize()
        .into();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
