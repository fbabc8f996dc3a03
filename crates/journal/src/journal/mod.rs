//! The journal: a directory of append-only JSON Lines segments, one stream of entries for each process.
//!
//! Promise: when [`JournalWriter::sync`] returns `Ok`, every entry appended before it survives power loss, and the
//! batch is in the file that its segment's name stands for; after any crash the next open finds every such entry, in
//! order, and says what else it found. A segment that another program moved, cut or replaced is noticed before the
//! next batch is acknowledged, a lock right after it; acknowledged entries that are gone are named. Opening goes on
//! only behind entries that a checkpoint covers or that this host's writer made; where the kept state fits, it reads a
//! bounded part of the stream.
//! Assumes: `fdatasync` is durable; an append that never returned may leave any prefix of its bytes; a rename is
//! atomic.
//! The only module that touches files, through `storage` alone. Not here: what records say, queueing, sending.
#![doc = include_str!("../format.md")]

mod account;
mod adopt;
mod beginning;
mod cache;
mod closed;
mod compared;
mod cursor;
mod directory;
mod elsewhere;
mod event;
mod file_error;
mod findings;
mod handle;
mod journal_walk;
mod keyring;
mod keys;
mod lines;
mod lost;
mod mark;
mod memory;
mod notes;
mod opening;
mod output;
mod owner;
mod paths;
mod quarantine;
mod ranges;
mod reader;
mod recovery;
mod refused;
mod scan;
mod segment;
mod settings;
mod state;
mod storage;
mod survey;
mod walk;
mod walk_files;
mod writer;

pub use adopt::{Adopted, Adoption, HeldStream};
pub use cursor::{Cursor, CursorFile};
pub use directory::Stranger;
pub use elsewhere::Moved;
pub use file_error::FileError;
pub use handle::StreamHandle;
pub use journal_walk::{JournalWalk, WalkFrom, WalkedLine};
pub use keys::{HashKey, KeyError};
pub use mark::DurableMark;
pub use memory::MemoryStorage;
pub use opening::{OpenError, Opened};
pub use owner::KeyFault;
pub use paths::PathError;
pub use reader::{ReadError, StreamReader};
pub use refused::{AppendError, GapCause, PathChange, SyncError};
pub use scan::Refusal;
pub use segment::{NotASegment, SegmentName};
pub use settings::{JournalOptions, Seams};
pub use storage::{FileId, FileKind, FileStorage, Metadata, Storage, StorageFile, StorageLock};
pub use survey::{
    JournalLine, JournalReader, LineContent, SegmentInfo, SegmentLines, StoredCursor, StoredHead,
};
pub use walk::{BATCH_BYTES_MAX, REPEAT_BYTES_MAX, Step};
pub use writer::JournalWriter;
