//! Which process writes a stream, as the system's list of locks tells it.
//!
//! Promise: takes no lock. A lock that is taken even for a moment can drive a starting writer to another stream.
//! Not here: a writer on another host of a shared file system; no list of this system names it.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use serde::Serialize;

/// What Linux lists: `1: FLOCK  ADVISORY  WRITE 6560 fe:00:10838202 0 EOF`.
const LIST: &str = "/proc/locks";

/// The initial pid namespace's link; in any other one, the list leaves out the locks of outer processes.
const INITIAL_NAMESPACE: &str = "pid:[4026531836]";

/// Whether a process writes a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum Writer {
    /// A process holds the stream's lock; its pid where it has one in this namespace.
    Alive {
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
    },
    /// No process holds it.
    None,
    /// The system does not tell.
    #[default]
    Unknown,
}

impl Writer {
    pub(crate) fn is_alive(self) -> bool {
        matches!(self, Self::Alive { .. })
    }

    /// Returns the other where it is a process, else this.
    pub(crate) fn or_alive(self, other: Self) -> Self {
        if other.is_alive() && !self.is_alive() {
            other
        } else {
            self
        }
    }

    /// Returns what is known of both, a writer that was seen first.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Alive { .. }, _) | (_, Self::None) => self,
            _ => other,
        }
    }
}

/// The locks that were held at one moment.
pub(crate) struct Locks {
    /// `None` where the system has no such list.
    held: Option<Vec<Held>>,
    shows_every_process: bool,
}

/// One exclusive `flock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// Major and minor number.
    device: (u64, u64),
    inode: u64,
    pid: Option<u32>,
}

impl Locks {
    /// Reads the system's list.
    pub(crate) fn now() -> Self {
        let list = fs::read_to_string(LIST).ok();
        let namespace = fs::read_link("/proc/self/ns/pid").ok();
        Self {
            held: list.map(|list| list.lines().filter_map(parse).collect()),
            shows_every_process: namespace.is_some_and(|link| link == Path::new(INITIAL_NAMESPACE)),
        }
    }

    /// Returns who holds the lock on a file; a file that is not there is locked by no process.
    pub(crate) fn holder(&self, path: &Path) -> Writer {
        let Ok(found) = fs::symlink_metadata(path) else {
            return Writer::None;
        };
        self.holder_of(device(found.dev()), found.ino())
    }

    fn holder_of(&self, device: (u64, u64), inode: u64) -> Writer {
        let Some(held) = &self.held else {
            return Writer::Unknown;
        };
        let of_inode = || held.iter().filter(|held| held.inode == inode);
        if let Some(held) = of_inode().find(|held| held.device == device) {
            return Writer::Alive { pid: held.pid };
        }
        // Some file systems list another device than `stat` returns.
        if self.shows_every_process && of_inode().next().is_none() {
            Writer::None
        } else {
            Writer::Unknown
        }
    }
}

/// Reads one line of the list; `None` where it is no exclusive `flock` that is held.
fn parse(line: &str) -> Option<Held> {
    let mut words = line.split_ascii_whitespace().skip(1);
    // A process that waits has an arrow in this place.
    let is_flock = words.next()? == "FLOCK";
    let is_exclusive = words.nth(1)? == "WRITE";
    let pid = words.next()?.parse().ok().filter(|pid| *pid > 0);
    let mut file = words.next()?.split(':');
    let mut hex = || u64::from_str_radix(file.next()?, 16).ok();
    let device = (hex()?, hex()?);
    let inode = file.next()?.parse().ok()?;
    (is_flock && is_exclusive).then_some(Held { device, inode, pid })
}

/// Splits a device number as Linux packs it.
fn device(packed: u64) -> (u64, u64) {
    let major = ((packed >> 8) & 0xfff) | ((packed >> 32) & !0xfff);
    let minor = (packed & 0xff) | ((packed >> 12) & 0xffff_ff00);
    (major, minor)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;

    const LINES: &str = "\
1: FLOCK  ADVISORY  WRITE 6560 fe:00:100 0 EOF
1: -> FLOCK  ADVISORY  WRITE 7000 fe:00:100 0 EOF
2: FLOCK  ADVISORY  READ 6561 fe:00:101 0 EOF
3: POSIX  ADVISORY  WRITE 6562 fe:00:102 0 EOF
4: FLOCK  ADVISORY  WRITE 0 103:1f:103 0 EOF
5: OFDLCK ADVISORY  WRITE -1 fe:00:104 0 EOF
";

    fn locks(shows_every_process: bool) -> Locks {
        let held = Some(LINES.lines().filter_map(parse).collect());
        Locks {
            held,
            shows_every_process,
        }
    }

    /// A process that waits for the lock, or holds a shared or another kind of lock, writes nothing.
    #[test]
    fn only_an_exclusive_flock_that_is_held_is_a_writer() {
        let locks = locks(true);
        let writer = Writer::Alive { pid: Some(6560) };
        assert_eq!(locks.holder_of((0xfe, 0), 100), writer);
        for inode in [101, 102, 104, 105] {
            assert_eq!(locks.holder_of((0xfe, 0), inode), Writer::None, "{inode}");
        }
        let elsewhere = Writer::Alive { pid: None };
        assert_eq!(locks.holder_of((0x103, 0x1f), 103), elsewhere);
    }

    /// A container's list leaves out the host's processes, and btrfs lists another device than `stat` returns: neither
    /// proves that no process writes.
    #[test]
    fn what_the_list_cannot_show_is_not_taken_for_absent() {
        assert_eq!(locks(false).holder_of((0xfe, 0), 105), Writer::Unknown);
        assert_eq!(locks(true).holder_of((0, 0x21), 100), Writer::Unknown);
        let without_list = Locks {
            held: None,
            shows_every_process: true,
        };
        assert_eq!(without_list.holder_of((0xfe, 0), 100), Writer::Unknown);
    }

    /// A lock that is taken for a moment makes a starting process believe that another one writes the stream.
    #[test]
    fn looking_takes_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "").unwrap();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let locks = Locks::now();
                while !is_over.load(Ordering::Relaxed) {
                    locks.holder(&path);
                }
            });
            for _ in 0..20_000 {
                let file = fs::File::open(&path).unwrap();
                let is_locked = file.try_lock().is_ok();
                is_over.store(!is_locked, Ordering::Relaxed);
                assert!(is_locked, "another thread holds the lock");
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn device_numbers_are_split_as_linux_packs_them() {
        assert_eq!(device(0xfe00), (0xfe, 0));
        assert_eq!(device(0x0001_031f), (0x103, 0x1f));
        assert_eq!(device(0x1000_0121_0334), (0x1103, 0x1234));
    }
}
