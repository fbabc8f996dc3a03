//! Building the audit: where it writes, what it keeps, whom it tells.
//!
//! Promise: the defaults are the safe ones: content dropped and hashed under a key made here, every batch synced.
//! Not here: installing the subscriber (`layer::install`).

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use super::{
    error::BuildError,
    followers::{Followers, Met},
    guard::AuditGuard,
};
#[cfg(feature = "otlp")]
use crate::otlp::{OtlpExporter, OtlpSettings, OtlpSettingsError};
use crate::{
    digest::Hashing,
    follower::Exporter,
    layer::{AuditLayer, Capture, CaptureOptions, SpanBridge},
    price::PriceTable,
    recorder::{Limits, Pace, Recorder, RecorderOptions},
    seal::{Content, Sealer},
    submit::Submit,
};
use llm_audit_journal::{
    checkpoint::KeyName,
    clock::Clock,
    journal::{JournalOptions, JournalWriter, Seams, Storage},
    random::Entropy,
};

/// Records that wait in memory at most: with [`QUEUE_BYTES_MAX`], what a hung disk may cost the host.
const QUEUE_RECORDS_MAX: u64 = 65_536;
/// Bytes that waiting records hold at most.
const QUEUE_BYTES_MAX: u64 = 8 << 20;
/// How long a full queue may hold a caller, once.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long the writing thread looks for more work by itself before callers must wake it.
const LINGER: Duration = Duration::from_millis(2);
/// Where the journal lies when nobody says.
const DIRECTORY: &str = "audit_logs";
/// The name under which checkpoints are signed when nobody says.
const NAME: &str = "localhost/llm-audit";

/// What survives, and when.
///
/// Both levels acknowledge a record only after `fdatasync`; they differ in how long a batch waits for it. A record
/// whose acknowledgement is held by somebody is written at once under both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// A power cut loses the calls of the last few milliseconds: a batch is written and synced as soon as the one
    /// before it is. The default.
    Prompt,
    /// A power cut loses at most the calls of this time: batches wait for it, so that a busy disk syncs less often.
    Within(Duration),
}

impl Durability {
    fn pace(self) -> Pace {
        match self {
            Self::Prompt => Pace::Prompt { linger: LINGER },
            Self::Within(time) => Pace::Within(time),
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Prompt => "\"prompt\"".to_owned(),
            Self::Within(time) => format!("\"within {} ms\"", time.as_millis()),
        }
    }
}

/// Makes an audit; [`Builder::build`] opens the journal and starts the threads.
#[must_use = "nothing is audited before `build`"]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each set by a method of its own"
)]
pub struct Builder {
    directory: PathBuf,
    keys_directory: Option<PathBuf>,
    keys_must_exist: bool,
    name: String,
    durability: Durability,
    limits: Limits,
    begins: bool,
    hashes_on_span: bool,
    hashing: Hashing,
    content: Content,
    raw_usage: bool,
    prices: Option<PriceTable>,
    segment_bytes_max: Option<u64>,
    heartbeat: Option<Duration>,
    service_name: Option<String>,
    capture: CaptureOptions,
    exporters: Vec<Box<dyn Exporter>>,
    seams: Seams,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            directory: DIRECTORY.into(),
            keys_directory: None,
            keys_must_exist: false,
            name: NAME.to_owned(),
            durability: Durability::Prompt,
            limits: Limits {
                records_max: QUEUE_RECORDS_MAX as usize,
                bytes_max: QUEUE_BYTES_MAX as usize,
                wait_max: QUEUE_WAIT_MAX,
            },
            begins: false,
            hashes_on_span: false,
            hashing: Hashing::default(),
            content: Content::default(),
            raw_usage: false,
            prices: None,
            segment_bytes_max: None,
            heartbeat: None,
            service_name: None,
            capture: CaptureOptions::default(),
            exporters: Vec::new(),
            seams: Seams::default(),
        }
    }
}

impl Builder {
    /// Sets where the journal lies; `audit_logs` below the current folder when not set.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// Sets where the keys are, outside the journal; `<directory>.keys` when not set. Keep them apart from the journal's
    /// backups.
    pub fn keys_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.keys_directory = Some(directory.into());
        self
    }

    /// Makes [`Builder::build`] fail where a key file is missing, instead of making a new key.
    ///
    /// For containers: where the volume with the keys was not mounted, new keys would sign a journal that no verifier
    /// knows, and would be gone with the container. Make the keys by one start without this, keep them in a secret or
    /// on a volume, and set this from then on.
    pub fn keys_must_exist(mut self) -> Self {
        self.keys_must_exist = true;
        self
    }

    /// Sets the name under which checkpoints are signed, such as `example.com/audit`; verifiers ask for it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Reads `LLM_AUDIT_DIR` (the journal's directory) and `OTEL_SERVICE_NAME`, where they are set.
    #[expect(clippy::disallowed_methods, reason = "a `from_env` constructor")]
    pub fn from_env(mut self) -> Self {
        if let Ok(directory) = std::env::var("LLM_AUDIT_DIR") {
            self.directory = directory.into();
        }
        if let Ok(service) = std::env::var("OTEL_SERVICE_NAME") {
            self.service_name = Some(service);
        }
        self
    }

    /// Sets how long a batch waits for `fdatasync`.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets how many records, and how many bytes of them, wait in memory at most: 65,536 and 8 MiB when not set.
    pub fn queue(mut self, records_max: usize, bytes_max: usize) -> Self {
        self.limits = Limits {
            records_max,
            bytes_max,
            ..self.limits
        };
        self
    }

    /// Sets how long a full queue may hold a caller, once: 1 s when not set. Then records are dropped, and named.
    pub fn queue_wait_max(mut self, wait_max: Duration) -> Self {
        self.limits.wait_max = wait_max;
        self
    }

    /// Writes a `begin` entry when an operation starts, so that a crash leaves a trace of what was running.
    pub fn begin_records(mut self, on: bool) -> Self {
        self.begins = on;
        self
    }

    /// Sets content hashes on the OpenTelemetry span too: costs the caller a SHA-256 over the content.
    pub fn hashes_on_span(mut self, on: bool) -> Self {
        self.hashes_on_span = on;
        self
    }

    /// Sets how content is hashed; HMAC-SHA-256 under a key made here when not set.
    pub fn hashing(mut self, hashing: Hashing) -> Self {
        self.hashing = hashing;
        self
    }

    /// Sets what becomes of content in plaintext; it is dropped when not set.
    pub fn content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    /// Keeps the provider's own usage object in every record, as `raw_usage`; it is left out when not set.
    ///
    /// It is what counts were read from, for whoever has to argue about a bill. What a host of your own puts there is
    /// kept as it is.
    pub fn raw_usage(mut self, on: bool) -> Self {
        self.raw_usage = on;
        self
    }

    /// Sets the price table; the embedded one when not set.
    pub fn prices(mut self, prices: PriceTable) -> Self {
        self.prices = Some(prices);
        self
    }

    /// Sets the size at which a segment is ended: 256 MiB when not set.
    pub fn segment_bytes_max(mut self, bytes: u64) -> Self {
        self.segment_bytes_max = Some(bytes);
        self
    }

    /// Writes a sign of life this often; none when not set.
    pub fn heartbeat(mut self, period: Duration) -> Self {
        self.heartbeat = Some(period);
        self
    }

    /// Sets `service_name` of every record.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// Records every span of these targets, and of modules below them, as an operation.
    pub fn targets<T: Into<String>>(mut self, targets: impl IntoIterator<Item = T>) -> Self {
        targets
            .into_iter()
            .for_each(|target| self.capture.target(target));
        self
    }

    /// Reads a field of the host's own spans as one of the conventions' attributes, such as `("account", "user.id")`.
    ///
    /// # Errors
    /// [`BuildError::UnknownAttribute`] where no such attribute is known.
    pub fn field(mut self, name: impl Into<String>, attribute: &str) -> Result<Self, BuildError> {
        if self.capture.field(name, attribute) {
            Ok(self)
        } else {
            Err(BuildError::UnknownAttribute(attribute.to_owned()))
        }
    }

    /// Links records to spans through this bridge in place of the one for `tracing-opentelemetry`.
    pub fn span_bridge(mut self, bridge: impl SpanBridge) -> Self {
        self.capture.bridge(bridge);
        self
    }

    /// Ships the journal as the standard `OTEL_EXPORTER_OTLP_*` variables say; nothing where no endpoint is set.
    ///
    /// # Errors
    /// [`OtlpSettingsError`] names the variable that cannot be used.
    #[cfg(feature = "otlp")]
    pub fn otlp_from_env(self) -> Result<Self, OtlpSettingsError> {
        match OtlpSettings::from_env_if_set()? {
            Some(settings) => self.otlp(settings),
            None => Ok(self),
        }
    }

    /// Ships the journal as OTLP log records.
    ///
    /// # Errors
    /// [`OtlpSettingsError`] where a certificate, a key or a header cannot be used.
    #[cfg(feature = "otlp")]
    pub fn otlp(self, settings: OtlpSettings) -> Result<Self, OtlpSettingsError> {
        Ok(self.exporter(OtlpExporter::new(settings)?))
    }

    /// Ships the journal to any other place.
    pub fn exporter(mut self, exporter: impl Exporter) -> Self {
        self.exporters.push(Box::new(exporter));
        self
    }

    /// Passes in the clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.seams.clock = Arc::new(clock);
        self
    }

    /// Passes in the source of randomness.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.seams.entropy = Arc::new(entropy);
        self
    }

    /// Passes in the storage: an in-memory one for tests.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.seams.storage = Arc::new(storage);
        self
    }

    /// Opens the journal, recovers it where needed, starts the writing thread and the followers.
    ///
    /// The layer goes into the subscriber, before an OpenTelemetry layer; the guard is held until the host ends.
    ///
    /// # Errors
    /// [`BuildError`]: the host decides whether it runs without an audit.
    pub fn build<S>(self) -> Result<(AuditLayer<S>, AuditGuard), BuildError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let journal = self.journal_options()?;
        let (writer, opened) = JournalWriter::open(journal, self.seams.clone())?;
        let sealer = Sealer::new(&self.hashing, opened.hash_key.as_ref(), self.content);
        let sealer = sealer
            .service_name(self.service_name)
            .raw_usage(self.raw_usage);
        let followers =
            Followers::start(self.exporters, &self.seams).map_err(BuildError::Thread)?;
        let options = RecorderOptions {
            limits: self.limits,
            pace: self.durability.pace(),
            begins: self.begins,
            hashes_on_span: self.hashes_on_span,
            sealer,
            prices: Arc::new(self.prices.unwrap_or_else(PriceTable::embedded)),
            found: opened.findings(),
        };
        let (adoption, streams) = (writer.adoption(), Arc::new(followers.clone()));
        let recorder =
            Recorder::start(options, self.seams, writer, streams).map_err(BuildError::Thread)?;
        let reported = recorder.downgrade();
        let report = move |met| {
            if let Some(recorder) = reported.upgrade() {
                match met {
                    Met::Trouble(text) => recorder.trouble(text),
                    Met::Found(text) => recorder.found(text),
                }
            }
        };
        followers
            .adopt(adoption, report)
            .map_err(BuildError::Thread)?;
        #[cfg_attr(
            not(feature = "opentelemetry"),
            expect(unused_mut, reason = "no bridge is built")
        )]
        let mut capture = self.capture;
        #[cfg(feature = "opentelemetry")]
        capture.link_by_default(crate::tracing_opentelemetry_0_34::TracingOpenTelemetry);
        let sink: Arc<dyn Submit> = Arc::new(recorder.clone());
        let layer = Capture::layer(sink, capture);
        let handle = layer.inner().clone();
        let guard = AuditGuard::new(recorder, followers, opened.verifier_key, handle);
        Ok((layer, guard))
    }

    fn journal_options(&self) -> Result<JournalOptions, BuildError> {
        let mut journal = JournalOptions::new(&self.directory, KeyName::new(&self.name)?);
        journal.keys_directory.clone_from(&self.keys_directory);
        journal.keys_must_exist = self.keys_must_exist;
        if let Some(bytes) = self.segment_bytes_max {
            journal.segment_bytes_max = bytes;
        }
        concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"))
            .clone_into(&mut journal.software);
        journal.heartbeat = self.heartbeat;
        journal.with_hash_key = self.hashing.needs_key();
        journal.settings = vec![
            (
                "content".to_owned(),
                format!("\"{}\"", self.content.as_str()),
            ),
            (
                "hashing".to_owned(),
                format!("\"{}\"", self.hashing.as_str()),
            ),
            ("durability".to_owned(), self.durability.describe()),
            ("begin_records".to_owned(), self.begins.to_string()),
        ];
        Ok(journal)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Builder")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
