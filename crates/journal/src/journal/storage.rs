//! The seam to the disk: what the journal asks of a file system, and the real one.
//!
//! Promise: no other file of this crate calls `std::fs`; a call here is one system call, never retried.
//! Assumes: what `sync` returned for survives power loss; an append that never returned may leave any
//! prefix of its bytes; a name survives once its directory was synced; `rename` is atomic.
//! Not here: what is written where (`directory`), what a failure means (`writer`).

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};

/// A file system, as far as the journal needs one; tests pass their own.
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// Makes a directory and its parents, readable by the owner alone; an existing one is left as it is.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Returns the names of the files in a directory, in order.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;
    /// Opens a file to read.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn StorageFile>>;
    /// Opens an existing file to read and append.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn StorageFile>>;
    /// Makes a file that must not exist yet, readable by the owner alone, to read and append.
    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>>;
    /// Renames a file over another or to a free name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory survive power loss.
    fn sync_dir(&self, directory: &Path) -> io::Result<()>;
    /// Renames a file to a free name; `AlreadyExists` where the name is taken.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes the lock that a file stands for, which is made if need be; `None` while another holds it.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>>;
    /// Returns what a path names; a symbolic link at its end is not followed.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// Returns the path from the root on, whatever the working directory becomes later.
    fn absolute(&self, path: &Path) -> io::Result<PathBuf>;
    /// Returns the user that this process acts as.
    fn user(&self) -> u32;
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "storages of other crates make it"
)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Which file it is, by whatever name.
    pub id: FileId,
    /// Its length in bytes.
    pub len: u64,
    /// The user who owns it.
    pub owner: u32,
    /// Its permission bits.
    pub mode: u32,
}

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "storages of other crates make it")]
pub enum FileKind {
    /// A regular file, the only kind that the journal uses.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe, a socket, a device.
    Other,
}

/// A file, whatever its name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_structs,
    reason = "storages of other crates make it"
)]
pub struct FileId {
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

/// One open file.
pub trait StorageFile: Send {
    /// Returns the length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Says whether there is nothing in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Reads from an offset; 0 bytes at the end.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;
    /// Appends a prefix of `bytes`, and returns its length.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts the file to a length.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Makes the content survive power loss.
    fn sync(&mut self) -> io::Result<()>;
    /// Returns which file it is, whatever its name is now.
    fn id(&self) -> io::Result<FileId>;
    /// Locks the file against other writers until it is closed; false while another holds it.
    fn try_lock(&mut self) -> io::Result<bool>;
}

/// A lock, held until it is dropped or its process ends.
pub trait StorageLock: Send + Sync {
    /// Returns which file it is that is locked, whatever its name is now.
    fn id(&self) -> io::Result<FileId>;
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FileStorage;

struct DiskFile(File);

/// The lock goes with the file.
struct DiskLock(File);

impl StorageLock for DiskLock {
    fn id(&self) -> io::Result<FileId> {
        Ok(id(&self.0.metadata()?))
    }
}

fn id(metadata: &fs::Metadata) -> FileId {
    FileId {
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

impl Storage for FileStorage {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            // A name that is no UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(DiskFile(File::open(path)?)))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let file = private().create_new(true).open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(CWD, from, CWD, to, flags) {
            // A file system that cannot: a second name is made, which replaces nothing either.
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::hard_link(from, to)?;
                fs::remove_file(from)
            }
            renamed => Ok(renamed?),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        // Elsewhere a directory cannot be opened; names are then as durable as the system makes them.
        if cfg!(unix) {
            File::open(directory)?.sync_all()
        } else {
            Ok(())
        }
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        let file = private().create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(DiskLock(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = fs::symlink_metadata(path)?;
        let kind = match metadata.file_type() {
            kind if kind.is_file() => FileKind::File,
            kind if kind.is_dir() => FileKind::Directory,
            kind if kind.is_symlink() => FileKind::Link,
            _ => FileKind::Other,
        };
        Ok(Metadata {
            kind,
            id: id(&metadata),
            len: metadata.len(),
            owner: metadata.uid(),
            mode: metadata.mode() & 0o7777,
        })
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        std::path::absolute(path)
    }

    fn user(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }
}

/// Files are the owner's alone: they may hold who asked what.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

impl StorageFile for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        // Appends go to the end wherever the position stands.
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.read(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn id(&self) -> io::Result<FileId> {
        Ok(id(&self.0.metadata()?))
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Appends all of `bytes`; on an error any prefix may have been written.
pub(crate) fn append_all(file: &mut dyn StorageFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.append(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads from `offset` until `bytes` is full or the file ends, and returns how many bytes came.
pub(crate) fn read_full(
    file: &mut dyn StorageFile,
    offset: u64,
    bytes: &mut [u8],
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(offset + filled as u64, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a whole file of at most `bytes_max`; a longer one is cut there.
pub(crate) fn read_file(
    storage: &dyn Storage,
    path: &Path,
    bytes_max: usize,
) -> io::Result<Vec<u8>> {
    let mut file = storage.open_read(path)?;
    let len = usize::try_from(file.len()?)
        .unwrap_or(bytes_max)
        .min(bytes_max);
    let mut bytes = vec![0; len];
    let filled = read_full(&mut *file, 0, &mut bytes)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Replaces a file by rename: after a crash it has the old content or the new, whole.
///
/// # Durability
/// The content is synced before the rename; the rename itself survives power loss once the directory is synced.
pub(crate) fn replace(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(storage, path, bytes, true)
}

/// Replaces a file by rename as [`replace`] does, and leaves it to the system when the content is on the disk.
pub(crate) fn replace_unsynced(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(storage, path, bytes, false)
}

fn replace_with(storage: &dyn Storage, path: &Path, bytes: &[u8], syncs: bool) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = Path::new(&temporary);
    match storage.remove(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = storage.create(temporary)?;
    append_all(&mut *file, bytes)?;
    if syncs {
        file.sync()?;
    }
    storage.rename(temporary, path)
}
