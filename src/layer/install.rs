//! Putting the layers together, so that no filter stands where it hides spans from the audit.
//!
//! Promise: the subscriber is installed only after the audit layer was seen to work in it.
//! Not here: the layers themselves, and how the host configures them.

use tracing_core::{Dispatch, Level, Subscriber, dispatcher};
use tracing_subscriber::{
    Registry,
    filter::Filtered,
    layer::{Filter, Layer, Layered, SubscriberExt},
    registry::LookupSpan,
    util::{SubscriberInitExt, TryInitError},
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
    AlreadyInstalled(#[source] TryInitError),
}

/// The audit layer with the host's other layers outside of it, each behind its own filter.
///
/// A filter is always given together with the layer that it is meant for, so `RUST_LOG` quiets that layer alone.
///
/// Each layer is added to the subscriber, never to another layer: `Layer::and_then` over a registry takes the level
/// of the outer layer's filter for that of both (`tracing-subscriber` 0.3.23), and `RUST_LOG=off` would blind us.
#[must_use = "nothing is installed before `init`"]
pub struct Installation<S> {
    subscriber: S,
    capture: Capture,
}

impl Installation<Layered<AuditLayer<Registry>, Registry>> {
    /// Begins with the audit layer, which has to stand before an OpenTelemetry layer.
    pub fn new(audit: AuditLayer<Registry>) -> Self {
        let capture = audit.inner().clone();
        Self {
            subscriber: tracing_subscriber::registry().with(audit),
            capture,
        }
    }
}

impl<S> Installation<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    /// Adds a layer that sees everything, such as OpenTelemetry's.
    pub fn with<L: Layer<S>>(self, layer: L) -> Installation<Layered<L, S>> {
        Installation {
            subscriber: layer.with_subscriber(self.subscriber),
            capture: self.capture,
        }
    }

    /// Adds a layer with the filter that is meant for it, such as `fmt::layer()` with an `EnvFilter`.
    pub fn with_filtered<L, F>(
        self,
        layer: L,
        filter: F,
    ) -> Installation<Layered<Filtered<L, F, S>, S>>
    where
        L: Layer<S>,
        F: Filter<S> + 'static,
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
        let dispatch = Dispatch::new(self.subscriber);
        match dispatcher::with_default(&dispatch, || self.capture.self_test()) {
            Ok(()) => {}
            Err(Blinded::CompiledOut { level, .. }) if level > Level::INFO => {}
            Err(blinded) => return Err(blinded.into()),
        }
        // As the host would: with the bridge from `log`, where its build has that.
        dispatch.try_init().map_err(InstallError::AlreadyInstalled)
    }
}
