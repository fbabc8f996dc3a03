//! What every opening begins with: `open`, what recovery found, what was interrupted, the settings.
//!
//! Promise: `open` stands before anything else is appended; `recovery` follows it at once, then the calls that were
//! interrupted.
//! Not here: which stream is opened (`opening`), what comes after (`writer`).

use std::{sync::Arc, time::Instant};

use super::{
    directory::{At, FileError},
    event::{self, Event},
    mark::DurableMark,
    notes,
    opening::{OpenError, Opened, Opener, Taken},
    output::Output,
    recovery::{self, Quarantined},
    scan::{Place, Refusal, Scan},
    writer::{Chain, JournalWriter, Signing},
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
        scan: &Scan,
        report: &mut Opened,
    ) -> Result<JournalWriter, OpenError> {
        let stream = taken.stream;
        let quarantined = recovery::unnamed(&self.directory, stream, taken.label, scan)?;
        report.is_new = scan.next_seq == 0;
        report.entries = scan.next_seq;
        report.signed = scan.signed;
        report.verifier_key = self.verifier.to_string();
        let requests = self.directory.requests(stream);
        self.directory
            .storage
            .create_dir(&requests)
            .at("make directory", &requests)?;
        let begun = self.begun_lines(scan)?;
        let mut writer = self.writer(taken, scan)?;
        writer.tell_open(scan.signed, &report.not_continued)?;
        writer.tell_recovery(&quarantined, report);
        for line in &begun {
            writer.tell_interrupted(line)?;
            report.interrupted += 1;
        }
        writer.tell_config(scan.settings.as_deref())?;
        writer.sync()?;
        Ok(writer)
    }

    /// Returns the lines of operations that never ended, in the order in which they began.
    fn begun_lines(&self, scan: &Scan) -> Result<Vec<Vec<u8>>, FileError> {
        let mut places: Vec<Place> = scan.begun.values().copied().collect();
        places.sort_by_key(|place| (place.segment, place.offset));
        places
            .into_iter()
            .map(|place| recovery::read_line(&self.directory, place))
            .collect()
    }

    fn writer(&self, taken: Taken, scan: &Scan) -> Result<JournalWriter, FileError> {
        let last = scan.segments.last().copied();
        let mut output = Output::new(&self.directory, taken.label, last);
        if let Some(last) = last {
            output.resume(last)?;
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
            stream: taken.stream,
            label: taken.label,
            lock: taken.lock,
            chain: Chain {
                next_seq: scan.next_seq,
                prev: scan.prev,
                day: scan.day,
                tree: scan.tree.clone(),
            },
            output,
            account: scan.account.clone(),
            buffer: Vec::new(),
            signing: Signing {
                size: scan.next_seq,
                unsigned_since: None,
                note_lags: false,
                note_at: None,
            },
            mark: Arc::new(DurableMark::new(scan.next_seq)),
            heartbeat_at: now,
            own: Members::new(),
            is_closing: false,
        })
    }
}

impl JournalWriter {
    pub(super) fn tell_open(
        &mut self,
        signed: u64,
        not_continued: &[(StreamId, Refusal)],
    ) -> Result<(), OpenError> {
        let streams = notes::others(&self.directory, self.stream, &self.key.verifier_key())?;
        let mut event = Event::new()
            .text("software", &self.options.software)
            .number("signed", signed)
            .raw("streams", &streams);
        if !not_continued.is_empty() {
            let refused = not_continued.iter();
            let refused =
                refused.map(|(stream, why)| format!("[\"{stream}\",\"{}\"]", why.as_str()));
            event = event.raw(
                "not_continued",
                &event::array(refused.map(String::into_bytes)),
            );
        }
        // It may begin a segment, so it does not go the way of the others.
        let day = self.today().max(self.chain.day);
        self.push_on(Kind::Open, day, event);
        Ok(())
    }

    /// Says what was cut, and which numbers will never come.
    fn tell_recovery(&mut self, quarantined: &[Quarantined], report: &mut Opened) {
        for file in quarantined {
            report.quarantined_bytes += file.bytes;
            self.push_recovery(file);
            self.account.name(file.acc.iter());
        }
        let holes = self.account.holes_to(self.account.max());
        if !holes.is_empty() {
            let nothing = Quarantined {
                file: String::new(),
                bytes: 0,
                lines: 0,
                acc: holes,
            };
            self.push_recovery(&nothing);
            self.account.name(nothing.acc.iter());
            report.lost += nothing.acc.count();
        }
        report.lost += quarantined.iter().map(|file| file.acc.count()).sum::<u64>();
    }

    fn push_recovery(&mut self, file: &Quarantined) {
        let event = Event::new()
            .text("file", &file.file)
            .number("bytes", file.bytes)
            .number("lines", file.lines)
            .ranges("acc", &file.acc);
        // Nothing may come between it and `open`: no checkpoint, no turn of the segment.
        self.push_on(Kind::Recovery, self.chain.day, event);
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
}
