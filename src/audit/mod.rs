//! The paved path: one builder, one layer, one guard.
//!
//! Promise: what `build` returns is running; what it could not do is an error and not a half audit.
//! Not here: anything of the line itself; this module only puts it together.

mod builder;
mod error;
mod followers;
mod guard;

pub use self::{
    builder::{Builder, Durability},
    error::{BuildError, Left},
    guard::AuditGuard,
};

/// The audit trail of a process's LLM calls.
///
/// # Examples
/// ```no_run
/// use tracing_llm_audit::LlmAudit;
/// use tracing_subscriber::prelude::*;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (audit, _guard) = LlmAudit::builder().directory("audit_logs").build()?;
/// tracing_subscriber::registry().with(audit).init();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LlmAudit;

impl LlmAudit {
    /// Begins to make an audit, with the defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }
}
