//! Putting the layers together, so that no filter stands where it hides spans from the audit.
//!
//! Promise: the subscriber is installed only after the audit layer was seen to work in it.
//! Not here: the layers themselves, and how the host configures them.

use tracing_core::{
    Dispatch, Level,
    dispatcher::{self, SetGlobalDefaultError},
};
use tracing_subscriber::{
    Registry,
    filter::Filtered,
    layer::{Filter, Layer, Layered, SubscriberExt},
};

use super::{AuditLayer, Blinded, Capture};

/// Why the subscriber was not installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// In this composition the audit layer does not see all spans.
    #[error(transparent)]
    Blinded(#[from] Blinded),
    /// Another subscriber is installed already.
    #[error("a global tracing subscriber is installed already")]
    AlreadyInstalled(#[source] SetGlobalDefaultError),
}

/// The audit layer with the host's other layers outside of it, each behind its own filter.
///
/// A filter is always given together with the layer that it is meant for, so `RUST_LOG` quiets that layer alone.
#[must_use = "nothing is installed before `init`"]
pub struct Installation<L> {
    layers: L,
    capture: Capture,
}

impl Installation<AuditLayer<Registry>> {
    /// Begins with the audit layer, which has to stand before an OpenTelemetry layer.
    pub fn new(audit: AuditLayer<Registry>) -> Self {
        let capture = audit.inner().clone();
        Self {
            layers: audit,
            capture,
        }
    }
}

impl<L: Layer<Registry> + Send + Sync> Installation<L> {
    /// Adds a layer that sees everything, such as OpenTelemetry's.
    pub fn with<M: Layer<Registry>>(self, layer: M) -> Installation<Layered<M, L, Registry>> {
        Installation {
            layers: self.layers.and_then(layer),
            capture: self.capture,
        }
    }

    /// Adds a layer with the filter that is meant for it, such as `fmt::layer()` with an `EnvFilter`.
    pub fn with_filtered<M, F>(
        self,
        layer: M,
        filter: F,
    ) -> Installation<Layered<Filtered<M, F, Registry>, L, Registry>>
    where
        M: Layer<Registry>,
        F: Filter<Registry> + 'static,
    {
        self.with(layer.with_filter(filter))
    }

    /// Proves that the audit layer sees spans, then installs all layers globally.
    ///
    /// Levels more verbose than INFO that the program was compiled without are no reason to refuse:
    /// [`Capture::self_test`] tells of them too.
    ///
    /// # Errors
    /// [`InstallError::Blinded`] where a layer is a filter for all; nothing is installed then.
    pub fn init(self) -> Result<(), InstallError> {
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(self.layers));
        match dispatcher::with_default(&dispatch, || self.capture.self_test()) {
            Ok(()) => {}
            Err(Blinded::CompiledOut { level, .. }) if level > Level::INFO => {}
            Err(blinded) => return Err(blinded.into()),
        }
        dispatcher::set_global_default(dispatch).map_err(InstallError::AlreadyInstalled)
    }
}
