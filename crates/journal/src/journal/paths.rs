//! Where a journal and its keys are, from the root of the file system on.
//!
//! Promise: the paths stay right when the working directory changes, and the keys are outside the journal: whoever copies
//! the journal must not copy its keys. The user's own names are kept, links included.
//! Not here: making the directories (`directory`, `keys`), the names inside them (`directory`).

use std::path::{Path, PathBuf};

use super::{
    file_error::{At, FileError},
    settings::JournalOptions,
    storage::{FileId, Storage},
};

/// Deeper than any path that a system opens.
const DEPTH_MAX: usize = 4096;

/// Why a journal cannot be at the given place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The directory of the journal or of its keys is an empty string.
    #[error("the {of} directory is empty: name one, such as `audit_logs`")]
    Empty {
        /// Whose directory: the journal's or the keys'.
        of: &'static str,
    },
    /// The path ends in `/` or `..`, and has no name that could be kept when `.keys` is added.
    #[error("{} does not end in a name: name the journal directory itself", path.display())]
    NoName {
        /// The given path.
        path: PathBuf,
    },
    /// Whoever copies the journal would copy its keys.
    #[error(
        "keys directory {} is inside the journal directory {}, whose copies would contain the keys: \
         choose one outside",
        keys.display(),
        directory.display()
    )]
    KeysInside {
        /// The directory of the keys.
        keys: PathBuf,
        /// The directory of the journal.
        directory: PathBuf,
    },
    /// The working directory or a directory on the way could not be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The directories of a journal, from the root on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    pub(crate) journal: PathBuf,
    pub(crate) keys: PathBuf,
}

impl Paths {
    /// Makes the paths absolute; keys are beside the journal where no other place was named.
    pub(crate) fn of(options: &JournalOptions, storage: &dyn Storage) -> Result<Self, PathError> {
        let journal = absolute(storage, &options.directory, "journal")?;
        let Some(name) = journal.file_name() else {
            return Err(PathError::NoName { path: journal });
        };
        let keys = if let Some(keys) = &options.keys_directory {
            absolute(storage, keys, "keys")?
        } else {
            let mut name = name.to_owned();
            name.push(".keys");
            journal.with_file_name(name)
        };
        let paths = Self { journal, keys };
        if paths.keys.starts_with(&paths.journal) {
            return Err(paths.keys_inside());
        }
        Ok(paths)
    }

    /// Checks that no link leads from the keys into the journal, whose directory must have been made.
    pub(crate) fn check(&self, storage: &dyn Storage) -> Result<(), PathError> {
        let journal = directory_id(storage, &self.journal);
        let existing = self.keys.ancestors().find_map(|path| {
            let path = path.join(".");
            directory_id(storage, &path).map(|id| (path, id))
        });
        let (Some(journal), Some((mut path, mut id))) = (journal, existing) else {
            return Ok(());
        };
        // Up from what is there, as the file system sees it.
        for _ in 0..DEPTH_MAX {
            if id == journal {
                return Err(self.keys_inside());
            }
            path.push("..");
            match directory_id(storage, &path) {
                Some(above) if above != id => id = above,
                _ => break,
            }
        }
        Ok(())
    }

    fn keys_inside(&self) -> PathError {
        PathError::KeysInside {
            keys: self.keys.clone(),
            directory: self.journal.clone(),
        }
    }
}

fn absolute(storage: &dyn Storage, path: &Path, of: &'static str) -> Result<PathBuf, PathError> {
    if path.as_os_str().is_empty() {
        return Err(PathError::Empty { of });
    }
    Ok(storage.absolute(path).at("find", path)?)
}

/// With a dot behind it, a link is the directory that it leads to.
fn directory_id(storage: &dyn Storage, path: &Path) -> Option<FileId> {
    let found = storage.metadata(&path.join(".")).ok()?;
    Some(found.id)
}
