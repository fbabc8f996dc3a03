//! The keys that a writer uses, and why they could not be had.
//!
//! Promise: key bytes are wiped when dropped and never printed; each error says what the operator can do next.
//! Not here: reading and making key files (`keyring`), whose files are trusted (`owner`), rotation, destruction.

use std::{fmt, io, path::PathBuf};

use zeroize::Zeroizing;

use super::{
    file_error::FileError,
    owner::{KeyFault, KeyPathError},
};
use crate::entry;

pub(crate) const KEY_BYTES: usize = 32;

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A key file does not have the length of a key.
    #[error(
        "key {} has {bytes} bytes where {KEY_BYTES} are needed: restore it from a copy, or move it away if there \
         is no journal yet that needs it",
        path.display()
    )]
    Length {
        /// Which file.
        path: PathBuf,
        /// How long it is; of a longer one, at least this long.
        bytes: u64,
    },
    /// A hash key's file holds another key than its name says.
    #[error("key {} is another one than its name says: restore it from a copy, or move it away", path.display())]
    Misnamed {
        /// Which file.
        path: PathBuf,
    },
    /// A key is missing, and none may be made.
    #[error(
        "key {} is missing: mount the volume that has it or restore it from a copy; for a first start, open the \
         journal once without requiring that keys exist",
        path.display()
    )]
    Missing {
        /// The file that should be there.
        path: PathBuf,
    },
    /// A key is missing, and its directory cannot be written.
    #[error(
        "key {} is missing and cannot be made here ({source}): put a file of {KEY_BYTES} random bytes there, mode \
         0400, or make the keys directory writable for one start",
        path.display()
    )]
    ReadOnly {
        /// The file that should be there.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another user could have written the key, or can read it.
    #[error("{} is not used for keys: {fault}; run `{} {}`", path.display(), fault.remedy(), path.display())]
    Refused {
        /// Which file, directory or link.
        path: PathBuf,
        /// The rule that it breaks.
        fault: KeyFault,
    },
    /// Another process holds the key directory.
    #[error("{} stays locked by another process: try again once it has started", path.display())]
    Locked {
        /// The file that stands for the lock.
        path: PathBuf,
    },
}

impl From<KeyPathError> for KeyError {
    fn from(error: KeyPathError) -> Self {
        match error {
            KeyPathError::Refused { path, fault } => Self::Refused { path, fault },
            KeyPathError::File(error) => Self::File(error),
        }
    }
}

/// The bytes of a key, wiped when dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// A key for HMAC-SHA-256 and its id; wiped when dropped, never printed.
#[derive(Clone)]
pub struct HashKey {
    id: String,
    bytes: KeyBytes,
}

impl HashKey {
    /// Makes a key of its bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let id = entry::key_id(&bytes);
        Self { id, bytes }
    }

    /// Returns eight hex digits of the key's SHA-256.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the key.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HashKey({})", self.id)
    }
}
