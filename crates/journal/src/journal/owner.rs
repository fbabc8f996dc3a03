//! Who may own what the journal uses, and what keys may be read from.
//!
//! Promise: a file that another user put there is not used; a key is read only where no other user could have written
//! it, and others cannot read it. Where that is not so, the error names the path, the rule and the command that helps.
//! Not here: making files and giving them to their owner (`storage`), what is done without a file (`directory`, `keys`).

use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    path::{Component, Path, PathBuf},
};

use super::{
    file_error::{At, FileError},
    storage::{FileKind, Metadata, Storage},
};

const ROOT: u32 = 0;

/// Write for the group or for others.
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const OTHERS_READ: u32 = 0o004;
/// In such a directory only a name's owner may rename or remove it.
const STICKY: u32 = 0o1000;

/// As many as Linux follows.
const LINKS_MAX: usize = 40;

/// The users whose files are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owners {
    /// Everybody's: for readers, who trust no file anyway.
    Anyone,
    /// The process's user, root, and the journal directory's owner where that counts.
    Only { user: u32, directory: Option<u32> },
}

impl Owners {
    /// The owners of the files that a writer uses in its journal.
    pub(crate) fn of_files(storage: &dyn Storage, journal: &Path) -> Self {
        Self::Only {
            user: storage.user(),
            directory: owner_of(storage, journal),
        }
    }

    /// The owners of keys: a command run as root uses those of the journal directory's owner too.
    pub(crate) fn of_keys(storage: &dyn Storage, journal: &Path) -> Self {
        let user = storage.user();
        let directory = owner_of(storage, journal).filter(|_| user == ROOT);
        Self::Only { user, directory }
    }

    /// Says whether a user's files are used.
    pub(crate) fn accepts(self, owner: u32) -> bool {
        match self {
            Self::Anyone => true,
            Self::Only { user, directory } => {
                owner == user || owner == ROOT || directory == Some(owner)
            }
        }
    }

    /// Returns the user to whom a file would have to be given.
    fn wanted(self) -> u32 {
        match self {
            Self::Anyone => ROOT,
            Self::Only { user, directory } => directory.unwrap_or(user),
        }
    }
}

/// The journal's directory itself may be a symbolic link.
fn owner_of(storage: &dyn Storage, journal: &Path) -> Option<u32> {
    let found = storage.metadata(&journal.join(".")).ok()?;
    Some(found.owner)
}

/// Why a key file, or a directory or link on the way to it, is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Another user owns it.
    #[error("it belongs to user {owner}, who is neither root nor user {wanted}")]
    Owner {
        /// Who owns it.
        owner: u32,
        /// Who should.
        wanted: u32,
        /// Whether it is a symbolic link.
        is_link: bool,
    },
    /// Group or others may change it.
    #[error("its mode {mode:04o} lets group or others write")]
    Writable {
        /// Its permission bits.
        mode: u32,
    },
    /// Others may read the key.
    #[error(
        "its mode {mode:04o} lets others read the key (a mounted Kubernetes secret needs `defaultMode: 0440`)"
    )]
    Readable {
        /// Its permission bits.
        mode: u32,
    },
    /// It is not what the place needs.
    #[error("it is {found} where {needed} is needed")]
    Kind {
        /// What it is.
        found: &'static str,
        /// What it should be.
        needed: &'static str,
    },
    /// Links lead to links, too many or in a circle.
    #[error("it leads through more than {LINKS_MAX} symbolic links")]
    Links,
}

impl KeyFault {
    /// Returns the command, without the path, that makes the path fit to use.
    pub fn remedy(&self) -> String {
        match self {
            Self::Owner {
                wanted,
                is_link: true,
                ..
            } => format!("chown -h {wanted}"),
            Self::Owner { wanted, .. } => format!("chown {wanted}"),
            Self::Writable { .. } => "chmod go-w".to_owned(),
            Self::Readable { .. } => "chmod o-r".to_owned(),
            Self::Kind { .. } | Self::Links => "ls -ld".to_owned(),
        }
    }
}

/// Why the way to a key could not be gone.
#[derive(Debug)]
pub(crate) enum KeyPathError {
    Refused { path: PathBuf, fault: KeyFault },
    File(FileError),
}

impl From<FileError> for KeyPathError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// Checks a keys directory; says whether there is one.
pub(crate) fn check_directory(
    storage: &dyn Storage,
    path: &Path,
    owners: Owners,
) -> Result<bool, KeyPathError> {
    let found = match storage.metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found.at("look at", path)?,
    };
    let found = if found.kind == FileKind::Link {
        check_owner(path, &found, owners)?;
        // With a dot behind it, it is the directory that the link leads to.
        storage.metadata(&path.join(".")).at("look at", path)?
    } else {
        found
    };
    directory_fits(path, &found, owners)?;
    Ok(true)
}

/// Returns a key's file by its name in a checked directory, whatever links lead to it; `None` where the name is free.
pub(crate) fn find_key(
    storage: &dyn Storage,
    directory: &Path,
    name: &str,
    owners: Owners,
) -> Result<Option<(PathBuf, Metadata)>, KeyPathError> {
    let mut at = directory.to_owned();
    let mut rest = VecDeque::from([OsString::from(name)]);
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        let path = at.join(&part);
        let found = match storage.metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && links == 0 => return Ok(None),
            found => found.at("look at", &path)?,
        };
        match found.kind {
            FileKind::Link => {
                links += 1;
                check_owner(&path, &found, owners)?;
                if links > LINKS_MAX {
                    return Err(refused(&path, KeyFault::Links));
                }
                follow(storage, &path, &mut at, &mut rest)?;
            }
            _ if rest.is_empty() => {
                file_fits(&path, &found, owners)?;
                return Ok(Some((path, found)));
            }
            _ => {
                directory_fits(&path, &found, owners)?;
                at = path;
            }
        }
    }
    let found = FileKind::Directory.describe();
    let needed = FileKind::File.describe();
    Err(refused(&at, KeyFault::Kind { found, needed }))
}

/// Puts what a link says in place of the link.
fn follow(
    storage: &dyn Storage,
    link: &Path,
    at: &mut PathBuf,
    rest: &mut VecDeque<OsString>,
) -> Result<(), FileError> {
    let target = storage.read_link(link).at("read link", link)?;
    if target.is_absolute() {
        *at = PathBuf::from("/");
    }
    for part in target.components().rev() {
        if let Component::Normal(_) | Component::ParentDir = part {
            rest.push_front(part.as_os_str().to_owned());
        }
    }
    Ok(())
}

fn directory_fits(path: &Path, found: &Metadata, owners: Owners) -> Result<(), KeyPathError> {
    check_kind(path, found, FileKind::Directory)?;
    check_owner(path, found, owners)?;
    let mode = found.mode;
    if mode & GROUP_OR_OTHERS_WRITE != 0 && mode & STICKY == 0 {
        return Err(refused(path, KeyFault::Writable { mode }));
    }
    Ok(())
}

fn file_fits(path: &Path, found: &Metadata, owners: Owners) -> Result<(), KeyPathError> {
    check_kind(path, found, FileKind::File)?;
    check_owner(path, found, owners)?;
    let mode = found.mode;
    if mode & GROUP_OR_OTHERS_WRITE != 0 {
        return Err(refused(path, KeyFault::Writable { mode }));
    }
    if mode & OTHERS_READ != 0 {
        return Err(refused(path, KeyFault::Readable { mode }));
    }
    Ok(())
}

fn check_kind(path: &Path, found: &Metadata, needed: FileKind) -> Result<(), KeyPathError> {
    if found.kind == needed {
        return Ok(());
    }
    let (found, needed) = (found.kind.describe(), needed.describe());
    Err(refused(path, KeyFault::Kind { found, needed }))
}

fn check_owner(path: &Path, found: &Metadata, owners: Owners) -> Result<(), KeyPathError> {
    if owners.accepts(found.owner) {
        return Ok(());
    }
    let fault = KeyFault::Owner {
        owner: found.owner,
        wanted: owners.wanted(),
        is_link: found.kind == FileKind::Link,
    };
    Err(refused(path, fault))
}

fn refused(path: &Path, fault: KeyFault) -> KeyPathError {
    let path = path.to_owned();
    KeyPathError::Refused { path, fault }
}
