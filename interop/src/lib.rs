//! Provider libraries against tracing-llm-audit: what their tests and examples share.
//!
//! [`recording`] reads the recorded traffic of this repository, [`replay`] is a provider on loopback that answers with
//! it. The libraries themselves are dependencies of the tests and examples alone.

pub mod recording;
pub mod replay;
