//! A tamper-evident, durable audit trail of LLM calls.
#![forbid(unsafe_code)]

// In the order of the line: a module uses only what stands above it.
mod clock;
mod facts;
mod money;
mod operation;
mod outcome;
mod random;
mod record;
mod semconv;

pub use clock::{Clock, SystemClock, Timestamp};
pub use money::Usd;
pub use operation::{RequestId, SanitizationEvent, Status, Usage};
pub use random::{Entropy, SystemEntropy};
pub use record::{AuditRecord, Payload};
