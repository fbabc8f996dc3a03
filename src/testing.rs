//! For the tests of hosts: the whole line over memory, and an exporter that keeps what it is given.
//!
//! Promise: no file, no runtime, no waiting beyond what the writing thread needs; the records are those that a journal
//! on disk would have.
//! Not here: faking a provider.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use crate::{
    audit::{AuditGuard, BuildError, Builder, LlmAudit},
    follower::{ExportError, Exported, Exporter},
    layer::AuditLayer,
};
use llm_audit_journal::{
    entry::{EntryBuf, Kind},
    journal::{JournalReader, LineContent, MemoryStorage},
};

/// Where the journal lies within its memory.
const DIRECTORY: &str = "audit_logs";
/// How long a test waits for the writing thread.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Makes an audit in memory, with the defaults.
///
/// # Panics
/// Where the operating system gives no thread.
///
/// # Examples
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let (layer, audit) = tracing_llm_audit::testing::in_memory();
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     let call = tracing::info_span!("ask", gen_ai.operation.name = "chat", user.id = "ada");
///     call.in_scope(|| {
///         tracing_llm_audit::LlmCall::current().output_text("Hello");
///     });
/// });
/// assert_eq!(audit.records()[0].get("user_id"), "ada");
/// ```
pub fn in_memory<S>() -> (AuditLayer<S>, TestAudit)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    in_memory_with(LlmAudit::builder())
        .expect("a journal in memory opens wherever there are threads")
}

/// Makes an audit in memory of what a builder says; its directory and storage are replaced.
///
/// # Errors
/// [`BuildError`], as for a journal on disk.
pub fn in_memory_with<S>(builder: Builder) -> Result<(AuditLayer<S>, TestAudit), BuildError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let storage = MemoryStorage::new();
    let builder = builder.directory(DIRECTORY).storage(storage.clone());
    let (layer, guard) = builder.build()?;
    Ok((layer, TestAudit { guard, storage }))
}

/// An audit in memory, and what it has recorded.
#[derive(Debug)]
pub struct TestAudit {
    guard: AuditGuard,
    storage: MemoryStorage,
}

impl TestAudit {
    /// Returns the records of all operations that have ended, in the journal's order.
    ///
    /// # Panics
    /// Where the writing thread does not come to write them.
    pub fn records(&self) -> Vec<Recorded> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.kind() == Kind::Call);
        entries
    }

    /// Returns all entries of the journal, its own kinds included.
    ///
    /// # Panics
    /// As [`TestAudit::records`].
    pub fn entries(&self) -> Vec<Recorded> {
        self.guard.flush(TIMEOUT).expect("memory does not fail");
        let reader = JournalReader::on(Arc::new(self.storage.clone()), DIRECTORY);
        let segments = reader.segments().expect("memory does not fail");
        let lines = segments
            .iter()
            .flat_map(|segment| reader.lines(segment).expect("memory does not fail"));
        let contents = lines.map(|line| line.expect("memory does not fail").content);
        contents.filter_map(Recorded::of).collect()
    }

    /// Returns the guard: health, flush, shutdown.
    pub fn guard(&self) -> &AuditGuard {
        &self.guard
    }
}

/// One entry, as it was written.
#[derive(Clone)]
pub struct Recorded(EntryBuf);

impl Recorded {
    fn of(content: LineContent) -> Option<Self> {
        match content {
            LineContent::Entry(entry) => Some(Self(entry)),
            _ => None,
        }
    }

    /// Returns a member's value; null where the record does not have it.
    pub fn get(&self, key: &str) -> serde_json::Value {
        let raw = self.0.as_entry().get(key);
        raw.and_then(|raw| serde_json::from_slice(raw).ok())
            .unwrap_or_default()
    }

    /// Returns the kind of entry.
    pub fn kind(&self) -> Kind {
        self.0.as_entry().position().kind
    }

    /// Returns the line.
    pub fn line(&self) -> String {
        String::from_utf8_lossy(self.0.as_entry().line()).into_owned()
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.line())
    }
}

/// An exporter that keeps what it is given; a clone shows the same entries.
#[derive(Clone, Debug, Default)]
pub struct InMemoryExporter(Arc<Mutex<Vec<Recorded>>>);

impl InMemoryExporter {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what came so far; [`AuditGuard::flush`] waits until everything has.
    pub fn entries(&self) -> Vec<Recorded> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Exporter for InMemoryExporter {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn export(&mut self, batch: &[EntryBuf], _timeout: Duration) -> Result<Exported, ExportError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.extend(batch.iter().cloned().map(Recorded));
        Ok(Exported::all(batch.len()))
    }
}
