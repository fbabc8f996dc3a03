//! Who may own what the journal uses.
//!
//! Promise: a file that another user put there is not used.
//! Not here: making files and giving them to their owner (`storage`), what is done without a file (`directory`).

use std::path::Path;

use super::storage::Storage;

const ROOT: u32 = 0;

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

    /// Says whether a user's files are used.
    pub(crate) fn accepts(self, owner: u32) -> bool {
        match self {
            Self::Anyone => true,
            Self::Only { user, directory } => {
                owner == user || owner == ROOT || directory == Some(owner)
            }
        }
    }
}

/// The journal's directory itself may be a symbolic link.
fn owner_of(storage: &dyn Storage, journal: &Path) -> Option<u32> {
    let found = storage.metadata(&journal.join(".")).ok()?;
    Some(found.owner)
}
