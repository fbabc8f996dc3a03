//! What a writer is told, and what is passed in.
//!
//! Promise: the defaults are the format's.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::storage::{FileStorage, Storage};
use crate::{
    checkpoint::KeyName,
    clock::{Clock, SystemClock},
    random::{Entropy, SystemEntropy},
};

/// What a writer is told about its journal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JournalOptions {
    /// Where the journal is. A relative path is taken from the working directory at the time of opening.
    pub directory: PathBuf,
    /// Where its keys are: outside the journal; `None` for `<directory>.keys`.
    pub keys_directory: Option<PathBuf>,
    /// Whether a missing key is an error: no key is ever made.
    ///
    /// For containers, whose file system is new at every start: where the volume with the keys was not mounted, a key
    /// made in its place would sign a journal that nobody can verify, and be gone with the container.
    pub keys_must_exist: bool,
    /// The name under which checkpoints are signed.
    pub name: KeyName,
    /// What writes: name and version, for `open` entries.
    pub software: String,
    /// A segment is ended once it is this long.
    pub segment_bytes_max: u64,
    /// How often a sign of life is written; `None` for never.
    pub heartbeat: Option<Duration>,
    /// A checkpoint entry is written after so many entries,
    pub checkpoint_entries_max: u64,
    /// or so long after the first unsigned one.
    pub checkpoint_delay_max: Duration,
    /// Whether a key for hashes is made where there is none.
    pub with_hash_key: bool,
    /// The settings that change what is kept, as name and JSON text, for `config` entries.
    pub settings: Vec<(String, String)>,
}

impl JournalOptions {
    /// Options with the format's defaults for a journal in `directory`, its keys in `<directory>.keys`.
    pub fn new(directory: impl Into<PathBuf>, name: KeyName) -> Self {
        Self {
            directory: directory.into(),
            keys_directory: None,
            keys_must_exist: false,
            name,
            software: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            // Small enough to be rewritten at once, large enough that a busy day has tens of them and not thousands.
            segment_bytes_max: 256 << 20,
            heartbeat: None,
            checkpoint_entries_max: 1000,
            checkpoint_delay_max: Duration::from_secs(1),
            with_hash_key: false,
            settings: Vec::new(),
        }
    }
}

/// What is passed in, so that tests own it: time, randomness, the disk.
#[derive(Clone)]
pub struct Seams {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Salts, ids, keys.
    pub entropy: Arc<dyn Entropy>,
    /// The disk.
    pub storage: Arc<dyn Storage>,
}

impl Default for Seams {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            storage: Arc::new(FileStorage),
        }
    }
}
