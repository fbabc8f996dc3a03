//! The keys directory: one key signs the journal's heads, one marks its unsigned entries, one makes its hashes.
//!
//! Promise: files of 0600 in a directory of 0700; a key is on disk before it is used, and is never replaced; two processes
//! that start at once use the same. Keys that are there are only read: their directory may be mounted read-only. A key
//! file of a wrong length is an error, not a reason to make another key.
//! Not here: whose files are trusted (`owner`), where the directory is (`paths`), rotation, destruction.

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::{
    directory::Directory,
    file_error::{At, FileError},
    keys::{HashKey, KEY_BYTES, KeyBytes, KeyError},
    owner::{self, Owners},
    storage::{self, StorageFile, StorageLock},
};
use crate::{entry::TailKey, random::Entropy};

const SIGN: &str = "sign";
const TAIL: &str = "tail";
/// Before a hash key's id in its file's name.
const HASH: &str = "hash-";
const TEMPORARY: &str = ".tmp";

/// How long another process may take to make the keys.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// The keys that a writer uses.
pub(crate) struct Keys {
    /// The seed of the signing key.
    pub(crate) sign: KeyBytes,
    pub(crate) tail: TailKey,
    pub(crate) hash: Option<HashKey>,
    /// Whether `sign` was made just now.
    pub(crate) is_sign_new: bool,
    /// Whether `tail` was made just now.
    pub(crate) is_tail_new: bool,
    /// Whether `hash` was made just now.
    pub(crate) is_hash_new: bool,
}

/// Which keys a writer asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeysWanted {
    /// Whether one for hashes.
    pub(crate) hash: bool,
    /// Whether a missing one is an error.
    pub(crate) must_exist: bool,
}

/// Reads the keys, and makes those that are missing where that is allowed.
pub(crate) fn load_or_create(
    directory: &Directory,
    keys: &Path,
    wanted: KeysWanted,
    entropy: &dyn Entropy,
) -> Result<Keys, KeyError> {
    let ring = KeyRing {
        directory,
        path: keys,
        owners: Owners::of_keys(&*directory.storage, directory.root()),
        with_hash: wanted.hash,
    };
    // Nothing is locked or synced for keys that are there: their directory may be mounted read-only.
    match ring.load(None) {
        Err(KeyError::Missing { path }) if !wanted.must_exist => ring.create(path, entropy),
        loaded => loaded,
    }
}

/// Takes a lock that is never held for long.
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

struct KeyRing<'a> {
    directory: &'a Directory,
    path: &'a Path,
    owners: Owners,
    with_hash: bool,
}

impl KeyRing<'_> {
    /// Makes what is missing, `missing` at least, under the lock of the directory.
    fn create(&self, missing: PathBuf, entropy: &dyn Entropy) -> Result<Keys, KeyError> {
        let created = self.lock().and_then(|_lock| {
            // Another process may have made them meanwhile.
            self.load(Some(entropy))
        });
        match created {
            Err(KeyError::File(error)) if is_read_only(&error) => Err(KeyError::ReadOnly {
                path: missing,
                source: error.source,
            }),
            created => created,
        }
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, KeyError> {
        if !self.check()? {
            self.directory.make_dir(self.path)?;
            self.check()?;
        }
        wait_for_lock(self.directory, &self.path.join("lock"))
    }

    /// Says whether there is a directory; an error where keys must not be read from it.
    fn check(&self) -> Result<bool, KeyError> {
        let storage = &*self.directory.storage;
        Ok(owner::check_directory(storage, self.path, self.owners)?)
    }

    /// Reads the keys; with a source of randomness, makes those that are missing.
    fn load(&self, entropy: Option<&dyn Entropy>) -> Result<Keys, KeyError> {
        self.check()?;
        let (sign, is_sign_new) = self.key(SIGN, entropy)?;
        let (tail, is_tail_new) = self.key(TAIL, entropy)?;
        let hash = self.with_hash.then(|| self.hash_key(entropy)).transpose()?;
        let (hash, is_hash_new) = hash.map_or((None, false), |(key, is_new)| (Some(key), is_new));
        Ok(Keys {
            sign,
            tail: TailKey::from_bytes(&tail),
            hash,
            is_sign_new,
            is_tail_new,
            is_hash_new,
        })
    }

    /// Returns a key and whether it was made just now.
    fn key(&self, name: &str, entropy: Option<&dyn Entropy>) -> Result<(KeyBytes, bool), KeyError> {
        match (self.read(name)?, entropy) {
            (Some(key), _) => Ok((key, false)),
            (None, Some(entropy)) => Ok((self.write(name, new_key(entropy))?, true)),
            (None, None) => Err(self.missing(name)),
        }
    }

    /// Returns the first hash key in name order, whose id is part of its name.
    fn hash_key(&self, entropy: Option<&dyn Entropy>) -> Result<(HashKey, bool), KeyError> {
        for name in self.directory.names(self.path)? {
            let Some(id) = name.strip_prefix(HASH) else {
                continue;
            };
            if id.ends_with(TEMPORARY) {
                if entropy.is_some() {
                    // A crash left a key that was never used; it should not be found.
                    let path = self.path.join(&name);
                    self.directory.storage.remove(&path).at("remove", &path)?;
                }
                continue;
            }
            if let Some(bytes) = self.read(&name)? {
                let key = HashKey::from_bytes(*bytes);
                if key.id() != id {
                    let path = self.path.join(&name);
                    return Err(KeyError::Misnamed { path });
                }
                return Ok((key, false));
            }
        }
        let Some(entropy) = entropy else {
            return Err(self.missing("hash-<id>"));
        };
        let bytes = new_key(entropy);
        let key = HashKey::from_bytes(*bytes);
        self.write(&format!("{HASH}{}", key.id()), bytes)?;
        Ok((key, true))
    }

    fn missing(&self, name: &str) -> KeyError {
        let path = self.path.join(name);
        KeyError::Missing { path }
    }

    /// Reads a key's file; `None` where there is none.
    fn read(&self, name: &str) -> Result<Option<KeyBytes>, KeyError> {
        let storage = &*self.directory.storage;
        let Some((path, checked)) = owner::find_key(storage, self.path, name, self.owners)? else {
            return Ok(None);
        };
        let mut file = storage.open_read(&path).at("open", &path)?;
        if file.id().at("look at", &path)? != checked.id {
            let source = io::Error::other("it was replaced while it was opened: try again");
            return Err(KeyError::File(FileError {
                operation: "read",
                path,
                source,
            }));
        }
        read_key(&mut *file, &path).map(Some)
    }

    /// Writes a key beside its place and renames it there: a key is whole or absent, and never replaced.
    fn write(&self, name: &str, key: KeyBytes) -> Result<KeyBytes, KeyError> {
        let storage = &*self.directory.storage;
        let path = self.path.join(name);
        let temporary = storage::write_temporary(storage, &path, &*key, true).at("write", &path)?;
        let renamed = storage.rename_new(&temporary, &path);
        if renamed.is_err() {
            // The key was not used, and the next attempt makes another one.
            let _ = storage.remove(&temporary);
        }
        renamed.at("create", &path)?;
        self.directory.sync_dir(self.path)?;
        Ok(key)
    }
}

fn read_key(file: &mut dyn StorageFile, path: &Path) -> Result<KeyBytes, KeyError> {
    // One byte more than a key, so that a longer file is seen.
    let mut bytes = Zeroizing::new([0; KEY_BYTES + 1]);
    let len = storage::read_full(file, 0, &mut *bytes).at("read", path)?;
    match <[u8; KEY_BYTES]>::try_from(&bytes[..len]) {
        Ok(key) => Ok(Zeroizing::new(key)),
        Err(_) => Err(KeyError::Length {
            path: path.to_owned(),
            bytes: len as u64,
        }),
    }
}

fn new_key(entropy: &dyn Entropy) -> KeyBytes {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    entropy.fill(&mut *key);
    key
}

fn is_read_only(error: &FileError) -> bool {
    matches!(
        error.source.kind(),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
    )
}
