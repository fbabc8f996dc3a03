//! A disk that fails on purpose: the n-th call, or everything after the n-th sync.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use llm_audit_journal::journal::{FileId, Metadata, Storage, StorageFile, StorageLock};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The device answers with an error.
    Io,
    /// No space is left; an append may have written half.
    Full,
}

#[derive(Debug, Default)]
struct Plan {
    calls: AtomicU64,
    syncs: AtomicU64,
    bytes_read: AtomicU64,
    /// The calls that fail, from the first to the last.
    fail_from: AtomicU64,
    fail_to: AtomicU64,
    full: AtomicBool,
    is_full: AtomicBool,
    /// The power goes when this sync has returned.
    cut_after_sync: AtomicU64,
    is_dead: AtomicBool,
    /// The process kills itself instead of making this call.
    kill_at: AtomicU64,
    /// What the calls of one thread meet.
    thread: Mutex<Option<ThreadPlan>>,
    hangs: Mutex<bool>,
    released: Condvar,
    /// The file that may not be opened.
    denied: Mutex<Option<PathBuf>>,
    /// The file that another process makes just before ours gets its name.
    outrun: Mutex<Option<PathBuf>>,
}

#[derive(Debug)]
struct ThreadPlan {
    name: &'static str,
    calls: u64,
    /// The first call that panics or fails.
    nth: u64,
    panics: bool,
}

/// A disk behind a plan.
#[derive(Clone, Debug)]
pub(crate) struct FaultStorage {
    inner: Arc<dyn Storage>,
    plan: Arc<Plan>,
}

impl FaultStorage {
    pub(crate) fn new(inner: impl Storage) -> Self {
        let plan = Plan::default();
        plan.fail_from.store(u64::MAX, Ordering::Relaxed);
        plan.cut_after_sync.store(u64::MAX, Ordering::Relaxed);
        plan.kill_at.store(u64::MAX, Ordering::Relaxed);
        Self {
            inner: Arc::new(inner),
            plan: Arc::new(plan),
        }
    }

    /// Lets `count` calls fail, the first of them the `nth` from the beginning, counted from 1.
    pub(crate) fn fail(self, nth: u64, count: u64, failure: Failure) -> Self {
        self.plan.fail_from.store(nth, Ordering::Relaxed);
        self.plan
            .fail_to
            .store(nth.saturating_add(count), Ordering::Relaxed);
        self.plan
            .full
            .store(failure == Failure::Full, Ordering::Relaxed);
        self
    }

    /// Lets all appends from now on fail for want of space, or succeed again.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.plan.is_full.store(is_full, Ordering::Relaxed);
    }

    /// Lets every call fail once the `nth` sync has returned, counted from 1.
    pub(crate) fn cut_power_after_sync(self, nth: u64) -> Self {
        self.plan.cut_after_sync.store(nth, Ordering::Relaxed);
        self
    }

    /// Lets this process end by SIGKILL where it would make the `nth` call from now on, counted from 1.
    pub(crate) fn kill_at(&self, nth: u64) {
        self.plan
            .kill_at
            .store(self.calls() + nth, Ordering::Relaxed);
    }

    /// Lets the `nth` call from now on that a thread of this name makes panic, counted from 1, and all after it.
    #[allow(dead_code, reason = "the recorder's tests use it")]
    pub(crate) fn panic_in(&self, thread: &'static str, nth: u64) {
        self.plan_thread(thread, nth, true);
    }

    /// Lets all calls fail that a thread of this name makes.
    #[allow(dead_code, reason = "the recorder's tests use it")]
    pub(crate) fn fail_in(&self, thread: &'static str) {
        self.plan_thread(thread, 1, false);
    }

    fn plan_thread(&self, name: &'static str, nth: u64, panics: bool) {
        *self.plan.thread.lock().unwrap() = Some(ThreadPlan {
            name,
            calls: 0,
            nth,
            panics,
        });
    }

    /// Returns how many calls the thread made that was planned for.
    #[allow(dead_code, reason = "the recorder's tests use it")]
    pub(crate) fn planned_calls(&self) -> u64 {
        let plan = self.plan.thread.lock().unwrap();
        plan.as_ref().map_or(0, |plan| plan.calls)
    }

    pub(crate) fn calls(&self) -> u64 {
        self.plan.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.plan.syncs.load(Ordering::Relaxed)
    }

    /// Returns the bytes that were read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.plan.bytes_read.load(Ordering::Relaxed)
    }

    /// Lets the next syncs hang, or lets those that hang go on.
    pub(crate) fn hang(&self, hangs: bool) {
        *self.plan.hangs.lock().unwrap() = hangs;
        self.plan.released.notify_all();
    }

    /// Refuses to open one file, as its permissions would do to a user who is not root.
    pub(crate) fn deny(self, path: impl Into<PathBuf>) -> Self {
        *self.plan.denied.lock().unwrap() = Some(path.into());
        self
    }

    /// Lets another process, which locks nothing, make a file just before ours gets its name.
    pub(crate) fn outrun(self, path: impl Into<PathBuf>) -> Self {
        *self.plan.outrun.lock().unwrap() = Some(path.into());
        self
    }

    fn name(&self, to: &Path) -> io::Result<()> {
        self.call()?;
        if self
            .plan
            .outrun
            .lock()
            .unwrap()
            .take_if(|path| path == to)
            .is_some()
        {
            self.inner.create(to)?.append(b"theirs")?;
        }
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        if self.plan.denied.lock().unwrap().as_deref() == Some(path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }

    /// Counts a call, and fails it where the plan says so.
    fn call(&self) -> io::Result<()> {
        self.plan.call()
    }
}

impl Plan {
    fn call(&self) -> io::Result<()> {
        if self.fails_here() {
            return Err(io::Error::other("EACCES"));
        }
        if self.is_dead.load(Ordering::Relaxed) {
            return Err(io::Error::other("the power is off"));
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call == self.kill_at.load(Ordering::Relaxed) {
            kill_self();
        }
        let failing = self.fail_from.load(Ordering::Relaxed)..self.fail_to.load(Ordering::Relaxed);
        if !failing.contains(&call) {
            return Ok(());
        }
        let is_full = self.full.load(Ordering::Relaxed);
        Err(if is_full {
            io::ErrorKind::StorageFull.into()
        } else {
            io::Error::other("EIO")
        })
    }

    /// Says whether this thread's call fails.
    fn fails_here(&self) -> bool {
        let mut plan = self.thread.lock().unwrap();
        let own = plan
            .as_mut()
            .filter(|plan| std::thread::current().name() == Some(plan.name));
        let Some(own) = own else {
            return false;
        };
        own.calls += 1;
        let (is_due, panics) = (own.calls >= own.nth, own.panics);
        drop(plan);
        assert!(
            !(is_due && panics),
            "a disk that panics, as the test has it"
        );
        is_due
    }

    fn synced(&self) {
        let sync = self.syncs.fetch_add(1, Ordering::Relaxed) + 1;
        if sync >= self.cut_after_sync.load(Ordering::Relaxed) {
            self.is_dead.store(true, Ordering::Relaxed);
        }
    }
}

fn kill_self() -> ! {
    let pid = std::process::id().to_string();
    let _ = std::process::Command::new("kill")
        .args(["-9", &pid])
        .status();
    loop {
        std::thread::park();
    }
}

struct FaultFile {
    inner: Box<dyn StorageFile>,
    plan: Arc<Plan>,
}

impl FaultStorage {
    fn wrap(&self, inner: io::Result<Box<dyn StorageFile>>) -> io::Result<Box<dyn StorageFile>> {
        let plan = Arc::clone(&self.plan);
        Ok(Box::new(FaultFile {
            inner: inner?,
            plan,
        }))
    }
}

impl Storage for FaultStorage {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        self.inner.create_dir(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.call()?;
        self.inner.list(directory)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.open(path)?;
        self.wrap(self.inner.open_read(path))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.open(path)?;
        self.wrap(self.inner.open_append(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.call()?;
        self.wrap(self.inner.create(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.name(to)?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        self.inner.remove(path)
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        self.call()?;
        self.inner.sync_dir(directory)?;
        self.plan.synced();
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        self.open(path)?;
        self.inner.try_lock(path)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.name(to)?;
        self.inner.rename_new(from, to)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.call()?;
        self.inner.metadata(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.call()?;
        self.inner.read_link(path)
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.absolute(path)
    }

    fn user(&self) -> u32 {
        self.inner.user()
    }
}

impl StorageFile for FaultFile {
    fn len(&self) -> io::Result<u64> {
        self.plan.call()?;
        self.inner.len()
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.plan.call()?;
        let read = self.inner.read_at(offset, bytes)?;
        let plan = &self.plan;
        plan.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let full = || {
            if self.plan.is_full.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        };
        if let Err(error) = self.plan.call().and_then(|()| full()) {
            // What a full or failing disk took before it said no.
            if !self.plan.is_dead.load(Ordering::Relaxed) {
                self.inner.append(&bytes[..bytes.len() / 2])?;
            }
            return Err(error);
        }
        self.inner.append(bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.plan.call()?;
        self.inner.truncate(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut hangs = self.plan.hangs.lock().unwrap();
        while *hangs {
            hangs = self.plan.released.wait(hangs).unwrap();
        }
        drop(hangs);
        self.plan.call()?;
        self.inner.sync()?;
        self.plan.synced();
        Ok(())
    }

    fn id(&self) -> io::Result<FileId> {
        self.inner.id()
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        self.plan.call()?;
        self.inner.try_lock()
    }
}
