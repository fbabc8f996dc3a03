//! What every opening begins with: `open`, what recovery found, what was interrupted, the settings.
//!
//! Promise: `open` stands before anything else is appended; `recovery` follows it at once, then the calls that were
//! interrupted.
//! Not here: which stream is opened (`opening`), what comes after (`writer`).

use std::{collections::BTreeMap, io, sync::Arc, time::Instant};

use super::{
    event::{self, Event},
    file_error::{At, FileError},
    mark::DurableMark,
    notes,
    opening::{OpenError, Opened, Opener, Taken},
    output::Output,
    recovery::{self, Quarantined},
    scan::{Refusal, Scan, is_as_committed},
    segment::Label,
    state::{RequestTag, State},
    walk::Place,
    writer::{Doubt, JournalWriter, Signing},
};
use crate::{
    entry::{Entry, Kind, Members, StreamId, schema::key},
    json,
};

/// Depth of a setting's value in its line: line, event, settings.
const SETTING_DEPTH: usize = 4;

impl Opener {
    /// Makes the writer of a scanned stream, and writes what every opening begins with.
    pub(super) fn begin(
        &self,
        taken: Taken,
        scan: Scan,
        report: &mut Opened,
    ) -> Result<JournalWriter, OpenError> {
        let stream = taken.stream;
        let Scan {
            state,
            signed,
            read_bytes,
            kept,
            ..
        } = scan;
        let quarantined = recovery::unnamed(
            &self.directory,
            stream,
            taken.label,
            &state,
            signed,
            &self.tail,
        )?;
        report.is_new = state.next_seq == 0;
        report.entries = state.next_seq;
        report.signed = signed;
        report.adopted = state.next_seq - signed;
        report.verifier_key = self.verifier.to_string();
        let requests = self.directory.requests(stream);
        self.directory
            .storage
            .create_dir(&requests)
            .at("make directory", &requests)?;
        let begun = self.begun_lines(stream, &state, kept)?;
        report.begun_edited += (state.begun.len() - begun.len()) as u64;
        let settings = state.settings.clone();
        let mut writer = self.writer(taken, state, read_bytes)?;
        writer.tell_open(signed, &report.not_continued)?;
        writer.tell_recovery(&quarantined, report);
        for line in &begun {
            writer.tell_interrupted(line)?;
            report.interrupted += 1;
        }
        writer.tell_config(settings.as_deref())?;
        writer.tell_keys(report)?;
        writer.sync()?;
        Ok(writer)
    }

    /// Returns the lines of operations that never ended, in the order in which they began.
    ///
    /// Left out is what is no longer as it was written, or was lost with its segment: its members would be signed anew.
    /// One that cannot be read now may be read by the next opening.
    fn begun_lines(
        &self,
        stream: StreamId,
        state: &State,
        kept: u64,
    ) -> Result<Vec<Vec<u8>>, FileError> {
        let mut begun: Vec<(Place, RequestTag)> = state
            .begun
            .iter()
            .map(|(tag, place)| (*place, *tag))
            .collect();
        begun.sort_unstable();
        let is_written = |line: &Vec<u8>, tag: RequestTag| {
            Entry::parse(line).is_ok_and(|entry| {
                let at = entry.position();
                let id = entry.text(key::REQUEST_ID).unwrap_or_default();
                // What the kept state covers was not read now: only the mac says that the leaf is the one it was.
                let is_proven = at.seq >= kept || entry.is_by(&self.tail);
                let is_it = at.stream == stream && at.kind == Kind::Begin;
                is_it && is_proven && RequestTag::of(&id) == tag && is_as_committed(&entry)
            })
        };
        let mut lines = Vec::with_capacity(begun.len());
        for (place, tag) in begun {
            match recovery::read_line(&self.directory, place) {
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => {}
                line => lines.extend(Some(line?).filter(|line| is_written(line, tag))),
            }
        }
        Ok(lines)
    }

    fn writer(
        &self,
        taken: Taken,
        state: State,
        read_bytes: u64,
    ) -> Result<JournalWriter, FileError> {
        let last = state.segments.last().map(|span| span.name);
        let mut output = Output::new(&self.directory, taken.label, last);
        if let Some(last) = last {
            output.resume(last, taken.segment)?;
            let today = self.seams.clock.now().day();
            let is_full = output
                .current()
                .is_some_and(|(_, len)| len >= self.options.segment_bytes_max);
            if is_full || last.day < today {
                // The next segment begins with `open`.
                output.turn();
            }
        }
        let now = Instant::now();
        Ok(JournalWriter {
            options: Arc::clone(&self.options),
            seams: self.seams.clone(),
            directory: self.directory.clone(),
            key: Arc::clone(&self.key),
            tail: self.tail.clone(),
            stream: taken.stream,
            label: taken.label,
            lock: taken.lock,
            output,
            buffer: Vec::new(),
            signing: Signing {
                size: state.next_seq,
                unsigned_since: None,
                note_lags: false,
                note_at: None,
            },
            mark: Arc::new(DurableMark::new(state.next_seq)),
            durable_acc: state.account.max(),
            uncached_bytes: read_bytes,
            begun: Vec::new(),
            doubt: Doubt::None,
            is_lock_lost: false,
            state,
            heartbeat_at: now,
            own: Members::new(),
            is_closing: false,
            findings: Vec::new(),
        })
    }
}

impl JournalWriter {
    pub(super) fn tell_open(
        &mut self,
        signed: u64,
        not_continued: &[(StreamId, Refusal)],
    ) -> Result<(), OpenError> {
        let adopted = self.state.next_seq - signed;
        let others = notes::others(&self.directory, self.stream, &self.key.verifier_key())?;
        let refused = named(not_continued, &others);
        let event = Event::new()
            .text("software", &self.options.software)
            .number("signed", signed)
            .raw("streams", &notes::print_others(&others))
            .raw("not_continued", &event::array(refused))
            .number("adopted", adopted);
        // It may begin a segment, so it does not go the way of the others.
        let day = self.today().max(self.state.day);
        self.push_on(Kind::Open, day, event);
        Ok(())
    }

    /// Says what was cut, and which numbers will never come.
    fn tell_recovery(&mut self, quarantined: &[Quarantined], report: &mut Opened) {
        for file in quarantined {
            report.quarantined_bytes += file.bytes;
            report.foreign += file.foreign;
            report.edited += file.edited;
            report.copied += file.copied;
            self.push_recovery(file);
        }
        let account = &self.state.account;
        let holes = account.holes_to(account.max());
        if !holes.is_empty() {
            let nothing = Quarantined {
                file: String::new(),
                bytes: 0,
                lines: 0,
                acc: holes,
                foreign: 0,
                edited: 0,
                copied: 0,
            };
            self.push_recovery(&nothing);
            report.lost += nothing.acc.count();
        }
        report.lost += quarantined.iter().map(|file| file.acc.count()).sum::<u64>();
    }

    fn push_recovery(&mut self, file: &Quarantined) {
        let event = Event::new()
            .text("file", &file.file)
            .number("bytes", file.bytes)
            .number("lines", file.lines)
            .ranges("acc", &file.acc)
            .number("foreign", file.foreign);
        // Its own number is the greatest, those that it names included.
        self.state.account.name(file.acc.iter());
        // Nothing may come between it and `open`: no checkpoint, no turn of the segment.
        self.push_on(Kind::Recovery, self.state.day, event);
    }

    /// Writes the `call` of an operation that began and never ended, with its members as they now stand.
    fn tell_interrupted(&mut self, line: &[u8]) -> Result<(), OpenError> {
        let Ok(begin) = Entry::parse(line) else {
            // The scan has read it; a disk that answers otherwise now will be found out by the next one.
            return Ok(());
        };
        let mut members = Members::with_capacity(line.len());
        for (key, value) in begin.members() {
            let value = if key == key::STATUS {
                b"\"interrupted\""
            } else {
                value
            };
            members.push_raw(&key, value);
        }
        self.append(self.next_acc(), Kind::Call, &members)?;
        Ok(())
    }

    /// Writes the settings where they differ from the last ones.
    fn tell_config(&mut self, last: Option<&[u8]>) -> Result<(), OpenError> {
        let mut settings = vec![b'{'];
        for (name, value) in &self.options.settings {
            if settings.len() > 1 {
                settings.push(b',');
            }
            json::write_str(&mut settings, name);
            settings.push(b':');
            json::normalize(&mut settings, value.as_bytes(), SETTING_DEPTH)
                .map_err(|_| OpenError::Setting { name: name.clone() })?;
        }
        settings.push(b'}');
        if last != Some(settings.as_slice()) {
            let event = Event::new().raw("settings", &settings);
            self.push_own(Kind::Config, event)?;
        }
        Ok(())
    }

    /// Names the keys that were made now, and in the first stream those that no entry names: a crash may have come
    /// between a key and its entry.
    fn tell_keys(&mut self, report: &Opened) -> Result<(), OpenError> {
        let is_first = self.label == Label::First;
        let tail = ("tail", self.tail.id().to_owned(), report.is_tail_key_new);
        let hash = report.hash_key.as_ref();
        let hash = hash.map(|hash| ("hash", hash.id().to_owned(), report.is_hash_key_new));
        for (usage, id, is_new) in [Some(tail), hash].into_iter().flatten() {
            if is_new || is_first && !self.state.names_key(usage, &id) {
                let event = Event::new()
                    .text("use", usage)
                    .text("id", &id)
                    .text("action", "create");
                self.push_own(Kind::Key, event)?;
            }
        }
        Ok(())
    }
}

/// Returns `[stream,reason]` of every stream that is not continued: those that were tried, and those that another key
/// signed.
fn named(not_continued: &[(StreamId, Refusal)], others: &[notes::OtherHead]) -> Vec<Vec<u8>> {
    let mut reasons: BTreeMap<StreamId, &str> = others
        .iter()
        .filter(|other| other.is_foreign)
        .map(|other| (other.stream, Refusal::OtherKey.as_str()))
        .collect();
    reasons.extend(
        not_continued
            .iter()
            .map(|(stream, why)| (*stream, why.as_str())),
    );
    let named = reasons.iter();
    named
        .map(|(stream, reason)| format!("[\"{stream}\",\"{reason}\"]").into_bytes())
        .collect()
}
