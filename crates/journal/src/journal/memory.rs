//! A journal in memory: for tests of hosts, and for losing power on purpose.
//!
//! Promise: behaves as a directory on disk does, locks included; nothing is written anywhere.
//! With `with_power_loss` it remembers what was synced, and `power_cut` returns a disk as it could be found
//! afterwards: unsynced bytes gone, torn at sectors or pages, or replaced by zeros; unsynced names lost or not.
//! Not here: failing calls; a test wraps this storage for that.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::storage::{FileId, FileKind, Metadata, Storage, StorageFile, StorageLock};

/// Files in memory; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    remembers_syncs: bool,
    nodes: BTreeMap<u64, Node>,
    node_next: u64,
    now: Names,
    synced: Names,
    locks: BTreeSet<u64>,
}

/// What the directories say.
#[derive(Clone, Debug, Default)]
struct Names {
    files: BTreeMap<PathBuf, u64>,
    dirs: BTreeSet<PathBuf>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

impl MemoryStorage {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty one that remembers what was synced, so that its power can be cut.
    pub fn with_power_loss() -> Self {
        let storage = Self::default();
        storage.state().remembers_syncs = true;
        storage
    }

    /// Returns the bytes of a file, if there is one.
    pub fn read(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.state();
        let id = state.now.files.get(path.as_ref())?;
        Some(state.nodes[id].bytes.clone())
    }

    /// Returns the paths of all files, in order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.state().now.files.keys().cloned().collect()
    }

    /// Replaces the bytes of a file, or makes it: a hand at the disk.
    pub fn write(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let mut state = self.state();
        let node = Node {
            bytes: bytes.to_vec(),
            synced: bytes.to_vec(),
        };
        let id = state.add(node);
        state.now.files.insert(path.as_ref().to_owned(), id);
        state.synced.files.insert(path.as_ref().to_owned(), id);
    }

    /// Removes every file at or below a path: a hand at the disk.
    pub fn remove_all(&self, path: impl AsRef<Path>) {
        let state = &mut *self.state();
        for names in [&mut state.now, &mut state.synced] {
            names
                .files
                .retain(|file, _| !file.starts_with(path.as_ref()));
        }
    }

    /// Returns a disk as it could be found after a power cut now; `seed` chooses among the possible ones.
    #[must_use]
    pub fn power_cut(&self, seed: u64) -> Self {
        let state = self.state();
        let mut dice = Dice(seed);
        let names = state.surviving_names(&mut dice);
        let mut nodes = BTreeMap::new();
        for id in names.files.values() {
            let node = &state.nodes[id];
            let bytes = surviving_bytes(node, &mut dice);
            let synced = bytes.clone();
            nodes.insert(*id, Node { bytes, synced });
        }
        let survivor = State {
            remembers_syncs: true,
            nodes,
            node_next: state.node_next,
            synced: names.clone(),
            now: names,
            locks: BTreeSet::new(),
        };
        Self {
            state: Arc::new(Mutex::new(survivor)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the state has left it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, node: Node) -> u64 {
        self.node_next += 1;
        self.nodes.insert(self.node_next, node);
        self.node_next
    }

    fn require_parent(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        let known = parent.as_os_str().is_empty() || self.now.dirs.contains(parent);
        if known {
            Ok(())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn create(&mut self, path: &Path) -> io::Result<u64> {
        self.require_parent(path)?;
        if self.now.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = self.add(Node::default());
        self.now.files.insert(path.to_owned(), id);
        Ok(id)
    }

    /// Each directory is found as it was synced last, or as it is now.
    fn surviving_names(&self, dice: &mut Dice) -> Names {
        let mut names = Names {
            dirs: self.synced.dirs.clone(),
            ..Names::default()
        };
        let mut parents: BTreeSet<&Path> = self.now.dirs.iter().map(PathBuf::as_path).collect();
        parents.insert(Path::new(""));
        for parent in parents {
            let view = if dice.next().is_multiple_of(3) {
                &self.now
            } else {
                &self.synced
            };
            let inside = |path: &&PathBuf| path.parent().unwrap_or(Path::new("")) == parent;
            names.dirs.extend(view.dirs.iter().filter(inside).cloned());
            let files = view.files.iter().filter(|(path, _)| inside(path));
            names
                .files
                .extend(files.map(|(path, id)| (path.clone(), *id)));
        }
        // What lies in a directory that was lost is lost with it.
        let dirs = names.dirs.clone();
        let reachable = |path: &Path| {
            let mut above = path
                .ancestors()
                .skip(1)
                .filter(|dir| !dir.as_os_str().is_empty());
            above.all(|dir| dirs.contains(dir) || dir == Path::new("/"))
        };
        names.files.retain(|path, _| reachable(path));
        names.dirs.retain(|path| reachable(path));
        names
    }
}

/// Mixes what was synced with what was written since, by sectors or pages.
fn surviving_bytes(node: &Node, dice: &mut Dice) -> Vec<u8> {
    let (old, new) = (&node.synced, &node.bytes);
    if old == new {
        return old.clone();
    }
    let unit = if dice.next().is_multiple_of(2) {
        512
    } else {
        4096
    };
    match dice.next() % 4 {
        0 => return old.clone(),
        1 => return new.clone(),
        _ => {}
    }
    let common = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let longest = old.len().max(new.len());
    let span = (longest - common) as u64;
    let cut = common + (dice.next() % (span + 1)) as usize;
    // The length grows to anywhere; in each unit the new bytes arrived, or the old ones or zeros are found.
    let mut found = old.clone();
    found.resize(cut.max(old.len().min(new.len())), 0);
    for start in (common / unit * unit..found.len()).step_by(unit) {
        let end = (start + unit).min(found.len()).min(new.len());
        if start < end && dice.next().is_multiple_of(2) {
            found[start..end].copy_from_slice(&new[start..end]);
        }
    }
    found
}

/// A small deterministic generator (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

struct MemoryFile {
    storage: MemoryStorage,
    id: u64,
    /// Held until the file is closed.
    lock: Option<MemoryLock>,
}

struct MemoryLock {
    storage: MemoryStorage,
    id: u64,
}

impl MemoryLock {
    fn take(storage: &MemoryStorage, id: u64) -> Option<Self> {
        let storage = storage.clone();
        let is_free = storage.state().locks.insert(id);
        is_free.then_some(Self { storage, id })
    }
}

impl StorageLock for MemoryLock {
    fn id(&self) -> io::Result<FileId> {
        Ok(file_id(self.id))
    }
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.storage.state().locks.remove(&self.id);
    }
}

/// Directories are told apart by their paths; files have the lower numbers.
fn directory_id(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish() | 1 << 63
}

/// All files lie on one device.
fn file_id(inode: u64) -> FileId {
    FileId { device: 0, inode }
}

impl MemoryStorage {
    fn file(&self, id: u64) -> Box<dyn StorageFile> {
        Box::new(MemoryFile {
            storage: self.clone(),
            id,
            lock: None,
        })
    }
}

impl Storage for MemoryStorage {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        for dir in path.ancestors().filter(|dir| !dir.as_os_str().is_empty()) {
            state.now.dirs.insert(dir.to_owned());
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        if !state.now.dirs.contains(directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let paths = state.now.files.keys().chain(&state.now.dirs);
        let inside = paths.filter(|path| path.parent() == Some(directory));
        let names = inside.filter_map(|path| path.file_name()?.to_str());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let state = self.state();
        let id = state.now.files.get(path).copied();
        drop(state);
        id.map(|id| self.file(id))
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.open_read(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let id = self.state().create(path)?;
        Ok(self.file(id))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.require_parent(to)?;
        let id = state.now.files.remove(from);
        let id = id.ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        state.now.files.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        match state.now.files.remove(path) {
            Some(_) => Ok(()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.remembers_syncs {
            return Ok(());
        }
        let inside = |path: &Path| path.parent() == Some(directory);
        let state = &mut *state;
        state.synced.files.retain(|path, _| !inside(path));
        state.synced.dirs.retain(|path| !inside(path));
        for (path, id) in state.now.files.iter().filter(|(path, _)| inside(path)) {
            state.synced.files.insert(path.clone(), *id);
        }
        let dirs = state.now.dirs.iter().filter(|path| inside(path));
        state.synced.dirs.extend(dirs.cloned());
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        let mut state = self.state();
        let id = match state.now.files.get(path) {
            Some(id) => *id,
            None => state.create(path)?,
        };
        drop(state);
        let lock = MemoryLock::take(self, id);
        Ok(lock.map(|lock| Box::new(lock) as Box<dyn StorageLock>))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.state().now.files.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let state = self.state();
        let (kind, inode, len) = match state.now.files.get(path) {
            Some(id) => (FileKind::File, *id, state.nodes[id].bytes.len() as u64),
            None if state.now.dirs.contains(path) => (FileKind::Directory, directory_id(path), 0),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Metadata {
            kind,
            id: file_id(inode),
            len,
            owner: self.user(),
            mode: 0o600,
        })
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    fn user(&self) -> u32 {
        0
    }
}

impl MemoryFile {
    fn with<T>(&self, work: impl FnOnce(&mut Node, bool) -> T) -> io::Result<T> {
        let mut state = self.storage.state();
        let remembers = state.remembers_syncs;
        let node = state.nodes.get_mut(&self.id);
        let node = node.ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        Ok(work(node, remembers))
    }
}

impl StorageFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|node, _| node.bytes.len() as u64)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.with(|node, _| {
            let rest = node.bytes.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(bytes.len());
            bytes[..count].copy_from_slice(&rest[..count]);
            count
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|node, _| node.bytes.extend_from_slice(bytes))?;
        Ok(bytes.len())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.with(|node, _| node.bytes.truncate(len as usize))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|node, remembers| {
            if remembers {
                node.synced.clone_from(&node.bytes);
            }
        })
    }

    fn id(&self) -> io::Result<FileId> {
        Ok(file_id(self.id))
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        if self.lock.is_none() {
            self.lock = MemoryLock::take(&self.storage, self.id);
        }
        Ok(self.lock.is_some())
    }
}
