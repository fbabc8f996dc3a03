//! The keys beside the journal: one that signs its heads, one that its hashes are made with.
//!
//! Promise: files of 0600 in a directory of 0700, outside the journal; a key is on disk before it is used; two
//! processes that start at once use the same.
//! Not here: key commands, rotation, destruction.

use std::{
    fmt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    directory::{At, Directory, FileError},
    storage::{self, StorageLock},
};
use crate::{entry::TailKey, random::Entropy};

const KEY_BYTES: usize = 32;

/// How long another process may take to make the keys.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A key file does not have the length of a key.
    #[error("{} is no key: {bytes} bytes", path.display())]
    Length {
        /// Which file.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
    },
    /// Another process holds the key directory.
    #[error("{} stays locked by another process", path.display())]
    Locked {
        /// The file that stands for the lock.
        path: PathBuf,
    },
}

/// A key for HMAC-SHA-256 and its id; wiped when dropped, never printed.
#[derive(Clone)]
pub struct HashKey {
    id: String,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl HashKey {
    /// Makes a key of its bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let hash: [u8; KEY_BYTES] = Sha256::digest(*bytes).into();
        let [a, b, c, d, ..] = hash;
        let id = format!("{:08x}", u32::from_be_bytes([a, b, c, d]));
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

/// The keys that a writer uses.
pub(crate) struct Keys {
    /// The seed of the signing key.
    pub(crate) sign: Zeroizing<[u8; KEY_BYTES]>,
    pub(crate) hash: Option<HashKey>,
    /// Whether `hash` was made just now.
    pub(crate) is_hash_new: bool,
    pub(crate) tail: TailKey,
    /// Whether `sign` was made just now.
    pub(crate) is_sign_new: bool,
    /// Whether `tail` was made just now.
    pub(crate) is_tail_new: bool,
}

/// Reads the keys, and makes those that are missing.
pub(crate) fn load_or_create(
    directory: &Directory,
    keys: &Path,
    with_hash_key: bool,
    entropy: &dyn Entropy,
) -> Result<Keys, KeyError> {
    directory.make_dir(keys)?;
    // Whoever comes second finds what the first one made.
    let lock = wait_for_lock(directory, &keys.join("lock"))?;
    let sign_path = keys.join("sign");
    let sign = match read_key(directory, &sign_path)? {
        Some(key) => key,
        None => write_key(directory, keys, &sign_path, new_key(entropy))?,
    };
    let tail_path = keys.join("tail");
    let (tail, is_tail_new) = match read_key(directory, &tail_path)? {
        Some(key) => (key, false),
        None => (
            write_key(directory, keys, &tail_path, new_key(entropy))?,
            true,
        ),
    };
    let (hash, is_hash_new) = if with_hash_key {
        load_or_create_hash(directory, keys, entropy)?
    } else {
        (None, false)
    };
    drop(lock);
    Ok(Keys {
        sign,
        hash,
        is_hash_new,
        tail: TailKey::from_bytes(&tail),
        is_sign_new: false,
        is_tail_new,
    })
}

fn load_or_create_hash(
    directory: &Directory,
    keys: &Path,
    entropy: &dyn Entropy,
) -> Result<(Option<HashKey>, bool), KeyError> {
    for name in directory.names(keys)? {
        let path = keys.join(&name);
        let Some(id) = name.strip_prefix("hash-") else {
            continue;
        };
        if id.strip_suffix(".tmp").is_some() {
            // A crash left a key that was never used; nobody should find it.
            directory.storage.remove(&path).at("remove", &path)?;
            continue;
        }
        if let Some(bytes) = read_key(directory, &path)? {
            let key = HashKey::from_bytes(*bytes);
            // A file under another key's id was not put there by us.
            if key.id() == id {
                return Ok((Some(key), false));
            }
        }
    }
    let bytes = new_key(entropy);
    let key = HashKey::from_bytes(*bytes);
    let path = keys.join(format!("hash-{}", key.id()));
    write_key(directory, keys, &path, bytes)?;
    Ok((Some(key), true))
}

fn new_key(entropy: &dyn Entropy) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    entropy.fill(&mut *key);
    key
}

/// Takes a lock that nobody holds for long.
pub(crate) fn wait_for_lock(
    directory: &Directory,
    path: &Path,
) -> Result<Box<dyn StorageLock>, KeyError> {
    let deadline = Instant::now() + LOCK_WAIT_MAX;
    loop {
        if let Some(lock) = directory.storage.try_lock(path).at("lock", path)? {
            return Ok(lock);
        }
        if Instant::now() >= deadline {
            return Err(KeyError::Locked {
                path: path.to_owned(),
            });
        }
        thread::sleep(LOCK_POLL);
    }
}

/// Returns the key, or nothing where there is no file or an empty one: what a crash leaves before the key was used.
fn read_key(
    directory: &Directory,
    path: &Path,
) -> Result<Option<Zeroizing<[u8; KEY_BYTES]>>, KeyError> {
    let read = storage::read_file(&*directory.storage, path, KEY_BYTES + 1);
    let bytes = match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => Zeroizing::new(read.at("read", path)?),
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    match <[u8; KEY_BYTES]>::try_from(bytes.as_slice()) {
        Ok(key) => Ok(Some(Zeroizing::new(key))),
        Err(_) => Err(KeyError::Length {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
        }),
    }
}

/// Writes a key beside its place and renames it there: a key is whole or absent.
fn write_key(
    directory: &Directory,
    keys: &Path,
    path: &Path,
    key: Zeroizing<[u8; KEY_BYTES]>,
) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    storage::replace(&*directory.storage, path, &*key).at("write", path)?;
    directory.sync_dir(keys)?;
    Ok(key)
}
