//! The seam to the disk: what the journal asks of a file system, and the real one.
//!
//! Promise: no other file of this crate calls `std::fs`; a call here is one attempt, never retried. Only regular files
//! are opened: no symbolic link is followed, and a named pipe does not hold the caller.
//! Assumes: what `sync` returned for survives power loss; an append that never returned may leave any
//! prefix of its bytes; a name survives once its directory was synced; `rename` is atomic.
//! Not here: what is written where (`directory`), what a failure means (`writer`).

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, OFlags, RenameFlags},
    io::Errno,
};

/// A file system, as far as the journal needs one; tests pass their own.
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// Makes a directory and its parents, readable by the owner alone; an existing one is left as it is.
    ///
    /// What root makes, here and below, belongs to the owner of the directory that it is in.
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
    /// Returns what a symbolic link says; a storage without links need not know it.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }
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
        let made = match make_one_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.create_dir(parent(path))?;
                make_one_dir(path)
            }
            made => made,
        };
        match made {
            // Another process may have made it meanwhile; the journal itself may be reached through a link.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                match fs::metadata(path)?.file_type() {
                    kind if kind.is_dir() => Ok(()),
                    kind => Err(not_a_directory(described(kind))),
                }
            }
            made => made,
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            // Every name that the journal gives is UTF-8.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let file = open_regular(OpenOptions::new().read(true), path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let file = open_regular(OpenOptions::new().read(true).append(true), path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(DiskFile(create_regular(path)?)))
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
        // The root of a journal may be a symbolic link to a directory; a pipe in its place must not hold the caller.
        let flags = OFlags::DIRECTORY | OFlags::NONBLOCK;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(bits(flags));
        options.open(directory)?.sync_all()
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        let file = open_or_create(path)?;
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

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        std::path::absolute(path)
    }

    fn user(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }
}

fn bits(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// Opens a regular file and nothing else: it says what else is there, without waiting for it or following it.
fn open_regular(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut options = options.clone();
    let file = options
        .custom_flags(bits(flags))
        .open(path)
        .map_err(|error| explained(error, path))?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        Ok(file)
    } else {
        Err(NotRegular::of(described(kind)).into())
    }
}

/// Opens a lock's file to read and append, and makes it where there is none.
fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).append(true);
    match open_regular(options, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match create_regular(path) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                open_regular(options, path)
            }
            created => created,
        },
        opened => opened,
    }
}

/// Makes a file of the owner's alone, for it may hold who asked what; a name that is taken is never opened.
fn create_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true).mode(0o600);
    let file = open_regular(&options, path)?;
    give_to_owner_of(parent(path), &file)?;
    Ok(file)
}

fn make_one_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    if rustix::process::geteuid().is_root() {
        // By what was opened, so that no link can be put in its place meanwhile.
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        let made = options.read(true).custom_flags(bits(flags)).open(path)?;
        give_to_owner_of(parent(path), &made)?;
    }
    Ok(())
}

/// Gives what root made to the owner of the directory around it, whose own processes could not use it otherwise.
fn give_to_owner_of(directory: &Path, made: &File) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let around = fs::metadata(directory)?;
    if around.uid() == 0 {
        return Ok(());
    }
    match fchown(made, Some(around.uid()), Some(around.gid())) {
        // Root of a container or of a network mount may not do this; the file then stays as it was made.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
            ) =>
        {
            Ok(())
        }
        given => given,
    }
}

/// Returns the directory that a name is in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}

/// Says of a failed open what is there, where that is no regular file; else returns the error as it is.
fn explained(error: io::Error, path: &Path) -> io::Error {
    if error.kind() == io::ErrorKind::AlreadyExists {
        // The caller asked for a new name, and is told that it is taken.
        return error;
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            NotRegular::of(described(metadata.file_type())).into()
        }
        _ => error,
    }
}

fn described(kind: fs::FileType) -> &'static str {
    match kind {
        kind if kind.is_file() => "a regular file",
        kind if kind.is_dir() => "a directory",
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

impl FileKind {
    /// Returns how an error text calls it.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Other => "a pipe, a socket or a device",
        }
    }
}

/// What is inside an I/O error where a name is not a regular file's.
#[derive(Debug)]
struct NotRegular {
    what: &'static str,
    /// The temporary file beside the one that was asked for.
    beside: Option<PathBuf>,
}

impl NotRegular {
    fn of(what: &'static str) -> Self {
        Self { what, beside: None }
    }
}

impl fmt::Display for NotRegular {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.beside {
            Some(path) => write!(out, "{} beside it", path.display())?,
            None => out.write_str("it")?,
        }
        write!(
            out,
            " is {}, not a regular file, and is left as it is: move it away",
            self.what
        )
    }
}

impl std::error::Error for NotRegular {}

impl From<NotRegular> for io::Error {
    fn from(error: NotRegular) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

/// The error of a place that needs a directory and has something else.
pub(crate) fn not_a_directory(what: &str) -> io::Error {
    let text = format!("it is {what}, not a directory, and is left as it is: move it away");
    io::Error::new(io::ErrorKind::NotADirectory, text)
}

/// Says whether a file was not used because its name is that of a link, a directory, a pipe or the like.
pub(crate) fn is_not_regular(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<NotRegular>())
        .is_some()
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
/// A name that is not a regular file's is left as it is.
///
/// # Durability
/// The content is synced before the rename; the rename itself survives power loss once the directory is synced.
pub(crate) fn replace(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    is_there(storage, path, false)?;
    let temporary = write_temporary(storage, path, bytes, true)?;
    storage.rename(&temporary, path)
}

/// Replaces a file by rename as [`replace`] does, and leaves it to the system when the content is on the disk.
pub(crate) fn replace_unsynced(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    is_there(storage, path, false)?;
    let temporary = write_temporary(storage, path, bytes, false)?;
    storage.rename(&temporary, path)
}

/// Returns the place where a file's new content is written first.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    temporary.into()
}

/// Writes what is to be renamed to `path`, syncs it where that matters, and returns where it is.
pub(crate) fn write_temporary(
    storage: &dyn Storage,
    path: &Path,
    bytes: &[u8],
    syncs: bool,
) -> io::Result<PathBuf> {
    let temporary = temporary(path);
    // What a crash left.
    if is_there(storage, &temporary, true)? {
        storage.remove(&temporary)?;
    }
    let mut file = storage.create(&temporary)?;
    append_all(&mut *file, bytes)?;
    if syncs {
        file.sync()?;
    }
    Ok(temporary)
}

/// Says whether there is a regular file; an error where something else has the name.
fn is_there(storage: &dyn Storage, path: &Path, is_beside: bool) -> io::Result<bool> {
    match storage.metadata(path) {
        Ok(metadata) if metadata.kind == FileKind::File => Ok(true),
        Ok(metadata) => Err(NotRegular {
            what: metadata.kind.describe(),
            beside: is_beside.then(|| path.to_owned()),
        }
        .into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
