//! Building the audit: where it writes, what it keeps, whom it tells.
//!
//! Promise: the defaults are the safe ones: content dropped and hashed under a key made here, every batch synced.
//! Not here: installing the subscriber (`layer::install`).

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    error::BuildError,
    followers::Followers,
    guard::AuditGuard,
};
use crate::{
    clock::{Clock, SystemClock},
    digest::Hashing,
    follower::Exporter,
    journal::{FileStorage, JournalOptions, JournalWriter, Seams, Storage},
    layer::AuditLayer,
    price::PriceTable,
    random::{Entropy, SystemEntropy},
    recorder::{Limits, Recorder, RecorderOptions},
    seal::{Content, Sealer},
};

/// Records that wait in memory at most: with [`QUEUE_BYTES_MAX`], what a hung disk may cost the host.
const QUEUE_RECORDS_MAX: u64 = 65_536;
/// Bytes that waiting records hold at most.
const QUEUE_BYTES_MAX: u64 = 16 << 20;
/// How long a full queue may hold a caller, once.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long the writing thread looks for more work by itself before callers must wake it.
const LINGER: Duration = Duration::from_millis(2);

/// What survives, and when.
///
/// Both levels acknowledge a record only after `fdatasync`; they differ in how long a batch waits for it. A record
/// whose acknowledgement is held by somebody is written at once under both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// A power cut loses the calls of the last few milliseconds: a batch is written and synced as soon as the one
    /// before it is, which is the default.
    Prompt,
    /// A power cut loses at most the calls of this time: batches wait for it, so that a busy disk syncs less often.
    Within(Duration),
}
