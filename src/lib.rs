//! A tamper-evident, durable audit trail of LLM calls: one `tracing` layer, one JSON line per call.
//!
//! [`LlmAudit::builder`] gives an [`AuditLayer`] for the subscriber and an [`AuditGuard`] to hold until the end. Spans
//! become records by their fields; [`LlmCall`] is the handle on the record of the current span, for what is no field:
//! prompts and answers (hashed, never kept by default), bodies as received, errors, and a durable acknowledgement.
//!
//! # Special fields
//! - `gen_ai.operation.name`, `gen_ai.request.model`, `gen_ai.provider.name` or `gen_ai.system`: the span is an LLM
//!   operation, and becomes a record when it closes.
//! - `user.id`, `enduser.id`, `tenant.id` or `gen_ai.conversation.id` alone: the span is context, and the operations
//!   below it inherit who asked.
//! - `gen_ai.usage.input_tokens`, `gen_ai.usage.output_tokens`, `gen_ai.response.model`, and all other names of the
//!   OpenTelemetry `GenAI` conventions, with the aliases of older and other emitters: facts of the record. Integers are
//!   best recorded as `i64`: OpenTelemetry shows `u64` fields as text.
//!
//! # Guarantees
//! README's table says what survives a crash, a full disk and a lost network, and what does not. The bytes are in
//! [`journal`], which shows the format document; [`testing`] has the same line over memory, for tests of your own.
#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!(
    "tracing-llm-audit needs a Unix system: its journal relies on flock, on device and inode numbers, and on \
     O_NOFOLLOW to keep its promises"
);

// The modules in the order of the line: each uses only what stands in a block above its own
// (`tests/it/tidy.rs` keeps that). Within a block the order means nothing.

// The journal's crate stands above all: its modules under the names that users of this crate know.
pub use llm_audit_journal::{checkpoint, entry, journal, json, tree};

// The words.
mod money;
mod semconv;

mod emitter;

mod facts;
mod flavour;
mod operation;
mod process;

mod ack;
mod outcome;

mod who;

// The record, and where the layer puts it.
mod record;

mod submit;

// What a provider said, and what it cost.
mod provider;

mod price;

mod redact;

mod judge;

pub mod explain;

// What of a record goes into the journal.
mod digest;

mod seal;

// The readers of the journal.
mod follower;
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
mod log_record;

#[cfg(feature = "opentelemetry_sdk")]
pub mod opentelemetry_sdk_0_33;
#[cfg(feature = "otlp")]
mod otlp;

// From a finished record to a durable line.
mod recorder;

// From spans to records.
mod layer;

// What is taken out of a prompt before it is sent.
pub mod sanitize;

#[cfg(feature = "opentelemetry")]
pub mod tracing_opentelemetry_0_34;

// From an HTTP client's requests to records.
pub mod http_capture;

#[cfg(feature = "reqwest-middleware")]
pub mod reqwest_middleware_0_5;

// The paved path.
mod audit;

pub mod testing;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;

// The public interface.
pub use ack::{Ack, AckError, Durable};
pub use audit::{AuditGuard, BuildError, Builder, Durability, Left, LlmAudit};
pub use digest::Hashing;
pub use flavour::Flavour;
pub use follower::{
    ExportError, Exported, Exporter, FollowerHealth, FollowerTrouble, Reason, StreamHealth,
};
pub use layer::{
    AuditLayer, AuditedStream, Blinded, Capture, CaptureFilter, InstallError, Installation,
    LlmCall, SpanBridge, SpanTrace, SpanValue,
};
pub use llm_audit_journal::{Clock, Entropy, SystemClock, SystemEntropy, Timestamp};
pub use money::Usd;
pub use operation::{RequestId, SanitizationEvent, Status, Usage};
#[cfg(feature = "otlp")]
pub use otlp::{OtlpExporter, OtlpProtocol, OtlpSettings, OtlpSettingsError};
pub use price::{
    CostLine, PriceAdjustment, PriceEntry, PriceModifier, PriceOverride, PricePeriod, PriceQuery,
    PriceQuote, PriceTable, PriceTableError, PriceTier, PriceWhen, UnitPrice,
};
pub use record::{AuditRecord, Payload};
pub use recorder::{Health, Trouble};
pub use seal::Content;
pub use who::{Scoped, Who};

/// README's code, compiled.
#[cfg(all(doctest, feature = "otlp", feature = "opentelemetry"))]
#[doc = include_str!("../README.md")]
struct Readme;
