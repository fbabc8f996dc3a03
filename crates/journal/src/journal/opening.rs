//! Opening: which stream, under whose lock, recovered how.
//!
//! Promise: the first unlocked stream that may be appended to; what may not is left as it is and named in the `open` of
//! the stream that goes on.
//! Not here: reading a stream (`scan`), cutting it (`recovery`), its first entries (`beginning`).

use std::{collections::BTreeSet, sync::Arc};

use super::{
    closed::{self, ClosedEnd},
    directory::Directory,
    file_error::{At, FileError},
    keyring::{self, Keys, KeysWanted},
    keys::{HashKey, KeyError},
    output::LockedSegment,
    paths::{PathError, Paths},
    recovery,
    refused::{AppendError, SyncError},
    scan::{self, Cut, Refusal, Scan, ScanKeys},
    segment::Label,
    settings::{JournalOptions, Seams},
    storage::{self, StorageLock},
    walk::Place,
    writer::JournalWriter,
};
use crate::{
    checkpoint::{SigningKey, VerifierKey},
    entry::{StreamId, TailKey},
};

/// Why no stream could be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The journal or its keys cannot be at the given place.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A file or directory failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keys could not be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The first entries could not be written.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The first entries were not taken.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A setting is not JSON.
    #[error("setting `{name}` is not JSON")]
    Setting {
        /// Its name.
        name: String,
    },
}

/// What was found and done at an open.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that have nothing to do with each other"
)]
pub struct Opened {
    /// Whether the stream begins here.
    pub is_new: bool,
    /// Entries that were there.
    pub entries: u64,
    /// How many of them a checkpoint vouched for.
    pub signed: u64,
    /// Bytes that went to `quarantine/` and are named now.
    pub quarantined_bytes: u64,
    /// Entries that no checkpoint covered and that this host's writer wrote: the stream goes on behind them.
    pub adopted: u64,
    /// Entries among those in `quarantine/` that this host's writer wrote and somebody edited since.
    pub edited: u64,
    /// Whole lines among those in `quarantine/` that this host's writer did not write.
    pub foreign: u64,
    /// Acceptance numbers that are named as lost.
    pub lost: u64,
    /// Operations that had begun and never ended.
    pub interrupted: u64,
    /// Copies of signed entries among what is in `quarantine/`.
    pub copied: u64,
    /// Operations that had begun and never ended, and whose first entry is gone or not as it was written: no
    /// `interrupted` call was written for them.
    pub begun_edited: u64,
    /// Streams that this process could have taken and may not append to.
    pub not_continued: Vec<(StreamId, Refusal)>,
    /// The key that hashes are made with, where one was asked for.
    pub hash_key: Option<HashKey>,
    /// Whether `hash_key` was made now.
    pub(super) is_hash_key_new: bool,
    /// What a verifier needs from outside the directory.
    pub verifier_key: String,
    /// Whether the signing key was made just now: what it finds in the directory, another key signed.
    pub is_sign_key_new: bool,
    /// Whether the key of unsigned entries was made just now: none of those in the directory can be told to be ours.
    pub is_tail_key_new: bool,
    /// What bears the name of a journal's file and is left alone: path and reason.
    pub strangers: Vec<String>,
}

/// What a process knows before it has a stream.
pub(super) struct Opener {
    pub(super) options: Arc<JournalOptions>,
    pub(super) seams: Seams,
    pub(super) directory: Directory,
    pub(super) key: Arc<SigningKey>,
    pub(super) verifier: VerifierKey,
    pub(super) tail: TailKey,
}

/// A stream whose lock is held.
pub(super) struct Taken {
    pub(super) stream: StreamId,
    pub(super) label: Label,
    pub(super) lock: Box<dyn StorageLock>,
    /// The last segment, locked: a writer whose lock file was removed may still append to it.
    pub(super) segment: Option<LockedSegment>,
}

/// Another writer appends to the stream.
struct InUse;

impl JournalWriter {
    /// Takes the first unlocked stream to which it may append, in name order, or else makes a new one; recovers it.
    ///
    /// # Durability
    /// Everything that the entries at its beginning say is durable when this returns.
    /// # Errors
    /// [`OpenError`]; nothing was lost, and another attempt does the rest.
    pub fn open(mut options: JournalOptions, seams: Seams) -> Result<(Self, Opened), OpenError> {
        let paths = Paths::of(&options, &*seams.storage)?;
        let directory = Directory::new(Arc::clone(&seams.storage), &paths.journal);
        directory.make()?;
        paths.check(&*seams.storage)?;
        let wanted = KeysWanted {
            hash: options.with_hash_key,
            must_exist: options.keys_must_exist,
        };
        let keys = keyring::load_or_create(&directory, &paths.keys, wanted, &*seams.entropy)?;
        let Keys {
            sign,
            hash,
            tail,
            is_sign_new,
            is_hash_new,
            is_tail_new,
        } = keys;
        options.directory = paths.journal;
        options.keys_directory = Some(paths.keys);
        let key = SigningKey::from_seed(options.name.clone(), &sign);
        let verifier = key.verifier_key();
        let opener = Opener {
            options: Arc::new(options),
            seams,
            directory,
            key: Arc::new(key),
            verifier,
            tail,
        };
        let mut report = Opened {
            hash_key: hash,
            is_hash_key_new: is_hash_new,
            is_sign_key_new: is_sign_new,
            is_tail_key_new: is_tail_new,
            strangers: opener.strangers()?,
            ..Opened::default()
        };
        let writer = opener.open_any(&mut report)?;
        Ok((writer, report))
    }

    /// Closes this stream and begins a new one in its place, as [`JournalWriter::is_day_ahead`] asks; returns the old one,
    /// which holds its lock until it is dropped: its followers may still lack something.
    ///
    /// # Errors
    /// [`OpenError`]; call it again.
    pub fn start_new_stream(&mut self) -> Result<(Self, Opened), OpenError> {
        self.close()?;
        let opener = self.opener();
        let refused = (self.stream(), Refusal::DayAhead);
        let mut report = Opened {
            not_continued: vec![refused],
            ..Opened::default()
        };
        let mut new = opener.open_new(&mut report)?;
        new.findings = std::mem::take(&mut self.findings);
        let old = std::mem::replace(self, new);
        Ok((old, report))
    }

    /// Opens the stream again after [`JournalWriter::close`], under the same lock; nothing to do where it is open.
    ///
    /// # Errors
    /// [`OpenError`]; call it again.
    pub fn resume(&mut self) -> Result<(), OpenError> {
        if self.is_closing {
            // Finishes what a failed `close` left; the checkpoint file then covers everything.
            self.close()?;
            if self.must_turn(self.today().max(self.state.day)) {
                // The next segment begins with `open`.
                self.turn();
            }
            self.tell_open(self.state.next_seq, &[])?;
            self.is_closing = false;
            self.sync()?;
        }
        Ok(())
    }

    pub(super) fn opener(&self) -> Opener {
        Opener {
            options: Arc::clone(&self.options),
            seams: self.seams.clone(),
            directory: self.directory.clone(),
            key: Arc::clone(&self.key),
            verifier: self.key.verifier_key(),
            tail: self.tail.clone(),
        }
    }
}

impl Opener {
    /// Says what bears the name of a journal's file and is left alone.
    fn strangers(&self) -> Result<Vec<String>, FileError> {
        let mut strangers = self.directory.strangers();
        strangers.extend(self.directory.misnamed()?);
        Ok(strangers.iter().map(ToString::to_string).collect())
    }

    /// Opens the first stream that lets itself be opened, or a new one.
    fn open_any(&self, report: &mut Opened) -> Result<JournalWriter, OpenError> {
        for stream in self.directory.streams()? {
            match self.try_open(stream, report) {
                Ok(Some(writer)) => return Ok(writer),
                Ok(None) => {}
                // One file that cannot be read costs its stream, not the audit.
                Err(OpenError::File(error)) if error.costs_one_stream() => {
                    let why = error.to_string();
                    let refusal = Refusal::Unreadable { why };
                    report.not_continued.push((stream, refusal));
                }
                Err(error) => return Err(error),
            }
        }
        self.open_new(report)
    }

    fn try_open(
        &self,
        stream: StreamId,
        report: &mut Opened,
    ) -> Result<Option<JournalWriter>, OpenError> {
        match self.take(stream)? {
            Some(taken) => self.open_taken(taken, report),
            None => Ok(None),
        }
    }

    /// Takes a stream's lock, unless another has it.
    pub(super) fn take(&self, stream: StreamId) -> Result<Option<Taken>, FileError> {
        let Some(lock) = self.directory.try_lock(stream)? else {
            return Ok(None);
        };
        let Some(label) = self.directory.label(stream)? else {
            return Ok(None);
        };
        let Ok(segment) = self.lock_last_segment(label)? else {
            return Ok(None);
        };
        Ok(Some(Taken {
            stream,
            label,
            lock,
            segment,
        }))
    }

    /// Locks the last segment under a label; the inner error says that another writer holds it.
    fn lock_last_segment(
        &self,
        label: Label,
    ) -> Result<Result<Option<LockedSegment>, InUse>, FileError> {
        let Some(name) = self.directory.segments_of(label)?.pop() else {
            return Ok(Ok(None));
        };
        let path = self.directory.segment(name);
        let mut file = self
            .directory
            .storage
            .open_append(&path)
            .at("open", &path)?;
        let is_free = file.try_lock().at("lock", &path)?;
        let segment = LockedSegment { name, file };
        Ok(if is_free {
            Ok(Some(segment))
        } else {
            Err(InUse)
        })
    }

    /// Returns the end of a stream that was closed in order.
    pub(super) fn closed_end(
        &self,
        stream: StreamId,
        label: Label,
    ) -> Result<Option<ClosedEnd>, FileError> {
        closed::closed_end(&self.directory, stream, label, self.scan_keys())
    }

    pub(super) fn scan_keys(&self) -> ScanKeys<'_> {
        ScanKeys {
            verifier: &self.verifier,
            tail: &self.tail,
        }
    }

    /// Opens a stream to go on in it; none where that may not be.
    fn open_taken(
        &self,
        taken: Taken,
        report: &mut Opened,
    ) -> Result<Option<JournalWriter>, OpenError> {
        let stream = taken.stream;
        let end = self.closed_end(stream, taken.label)?;
        if self.is_ahead(end.map(|end| end.day)) {
            report.not_continued.push((stream, Refusal::DayAhead));
            return Ok(None);
        }
        match self.recover(&taken)? {
            Err(refusal) => {
                report.not_continued.push((stream, refusal));
                Ok(None)
            }
            Ok(scan) if self.is_ahead(Some(scan.state.day)) => {
                // It gets its recovery and its end, and a new stream goes on.
                let mut found = Opened::default();
                self.begin(taken, scan, &mut found)?.close()?;
                report.foreign += found.foreign;
                report.edited += found.edited;
                report.copied += found.copied;
                report.begun_edited += found.begun_edited;
                report.not_continued.push((stream, Refusal::DayAhead));
                Ok(None)
            }
            Ok(scan) => match self.without_a_number_left(&scan) {
                Some(file) => {
                    let refusal = Refusal::NoNumberLeft { file };
                    report.not_continued.push((stream, refusal));
                    Ok(None)
                }
                None => self.begin(taken, scan, report).map(Some),
            },
        }
    }

    /// Returns the stream's last segment where that leaves no number for the day's next ones.
    fn without_a_number_left(&self, scan: &Scan) -> Option<String> {
        let last = scan.state.segments.last()?.name;
        let is_todays = last.day >= self.seams.clock.now().day();
        (is_todays && !last.leaves_numbers()).then(|| last.to_string())
    }

    fn is_ahead(&self, day: Option<u32>) -> bool {
        day.is_some_and(|day| day > self.seams.clock.now().day().saturating_add(1))
    }

    /// Reads a stream and cuts what must go, until nothing must.
    pub(super) fn recover(&self, taken: &Taken) -> Result<Result<Scan, Refusal>, FileError> {
        let Taken { stream, label, .. } = *taken;
        let mut scan = scan::scan(&self.directory, stream, label, self.scan_keys())?;
        while let Ok(found) = &mut scan
            && let Some(cut) = found.cut.take()
        {
            recovery::cut(&self.directory, label, cut)?;
            if let Cut::Tail(Place { segment, offset }) = cut {
                // The scan ended there; nothing changed for it but the files.
                found.state.end_segments_at(segment, offset);
                break;
            }
            scan = scan::scan(&self.directory, stream, label, self.scan_keys())?;
        }
        if let Ok(found) = &scan {
            for place in &found.leftovers {
                recovery::cut_segment(&self.directory, *place)?;
            }
            let kept: Vec<_> = found.state.segments.iter().map(|span| span.name).collect();
            recovery::remove_empty(&self.directory, label, &kept)?;
        }
        Ok(scan)
    }

    pub(super) fn open_new(&self, report: &mut Opened) -> Result<JournalWriter, OpenError> {
        loop {
            let stream = self.new_id()?;
            let Some(lock) = self.directory.try_lock(stream)? else {
                continue;
            };
            let is_first = self.claim_first(stream)?;
            let label = if is_first {
                Label::First
            } else {
                Label::short(stream)
            };
            self.directory.sync_dir(&self.directory.folder("locks"))?;
            let taken = Taken {
                stream,
                label,
                lock,
                segment: None,
            };
            // A stream without entries is read like any other.
            match self.recover(&taken)? {
                Ok(scan) => return self.begin(taken, scan, report),
                Err(refusal) => report.not_continued.push((stream, refusal)),
            }
        }
    }

    /// Returns an id whose files will not be taken for another stream's.
    fn new_id(&self) -> Result<StreamId, FileError> {
        let known = self.directory.streams()?;
        let segments = self.directory.segments()?;
        let mut labels: BTreeSet<Label> =
            known.iter().map(|stream| Label::short(*stream)).collect();
        labels.extend(segments.iter().map(|segment| segment.label));
        loop {
            let mut id = [0; 16];
            self.seams.entropy.fill(&mut id);
            let stream = StreamId::from_bytes(id);
            if !labels.contains(&Label::short(stream)) {
                return Ok(stream);
            }
        }
    }

    /// Says whether `stream` is the directory's first stream from now on.
    fn claim_first(&self, stream: StreamId) -> Result<bool, OpenError> {
        if let Some(first) = self.directory.named_first()? {
            return Ok(first == stream);
        }
        if !self.directory.may_name_first()? {
            return Ok(false);
        }
        let path = self.directory.first();
        let _lock = keyring::wait_for_lock(&self.directory, &path)?;
        if let Some(first) = self.directory.named_first()? {
            return Ok(first == stream);
        }
        // Its files may be there though the name was lost.
        let first = self.directory.stream_in(Label::First)?.unwrap_or(stream);
        let mut file = self
            .directory
            .storage
            .open_append(&path)
            .at("open", &path)?;
        // A crash may have left the beginning of an id that nobody used.
        file.truncate(0).at("truncate", &path)?;
        storage::append_all(&mut *file, first.to_string().as_bytes()).at("write", &path)?;
        file.sync().at("sync", &path)?;
        Ok(first == stream)
    }
}
