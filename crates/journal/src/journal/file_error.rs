//! What failed, on which file: an I/O error with its place.
//!
//! Promise: each names the operation and the path.
//! Not here: what a failure means for whoever met it.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::storage;

/// An operation on a file or directory failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried.
    pub operation: &'static str,
    /// On which file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl FileError {
    /// Says whether one file is not usable, by its kind or its permissions: others may be.
    pub(crate) fn is_about_one_file(&self) -> bool {
        let kind = self.source.kind();
        storage::is_not_regular(&self.source)
            || matches!(
                kind,
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory
            )
    }
}

impl FileError {
    /// Says whether it keeps one stream from being read and says nothing of the others.
    pub(crate) fn costs_one_stream(&self) -> bool {
        self.is_about_one_file() || self.operation == "read"
    }
}

/// Adds to an I/O error where it happened.
pub(crate) trait At<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError {
            operation,
            path: path.to_owned(),
            source,
        })
    }
}
