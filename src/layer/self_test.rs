//! The start-up self-test: proves that the layer sees spans, and says what blinds it if not.
//!
//! Promise: a global filter, a compiled-out level and a missing layer are found before the first call is lost. The
//! test's own span leaves no record in the journal; an OpenTelemetry layer beside us shows it, once.
//! Not here: how layers are put together (`install`).

use std::sync::atomic::Ordering;

use tracing::{Level, level_filters::STATIC_MAX_LEVEL};
use tracing_core::{Dispatch, LevelFilter, dispatcher};

use super::{Capture, callsite::SELF_TEST_TARGET};

/// Why the audit layer does not see spans that it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Blinded {
    /// No subscriber is installed on this thread, nor globally.
    #[error("no tracing subscriber is installed")]
    NoSubscriber,
    /// Spans of this level are compiled out by a `max_level_*` or `release_max_level_*` feature of `tracing`.
    #[error(
        "spans of level {level} are compiled out: a feature of `tracing` sets the maximum to {max}"
    )]
    CompiledOut {
        /// The level that cannot be seen.
        level: Level,
        /// The most verbose level that is left in the program.
        max: LevelFilter,
    },
    /// A filter that is a layer of its own, mostly an `EnvFilter`, hides spans of this level from all layers.
    #[error(
        "a global filter hides spans of level {level} from every layer: give it to the layer that it is meant for, with `with_filter`"
    )]
    GlobalFilter {
        /// The level that cannot be seen.
        level: Level,
    },
    /// The current subscriber does not have this audit layer.
    #[error("the current tracing subscriber does not have the audit layer")]
    NotInstalled,
}

impl Capture {
    /// Emits a span through the current dispatcher, and checks that this layer saw it, for every level.
    ///
    /// # Errors
    /// [`Blinded`] for the most important level that is not seen; what is seen is audited all the same.
    pub fn self_test(&self) -> Result<(), Blinded> {
        if dispatcher::get_default(|dispatch| {
            dispatch.is::<tracing_core::subscriber::NoSubscriber>()
        }) {
            return Err(Blinded::NoSubscriber);
        }
        // `#[instrument]` opens spans of level INFO where nothing else is said, so that comes before the verbose ones.
        let levels = [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ];
        levels
            .into_iter()
            .try_for_each(|level| self.test_level(level))
    }

    fn test_level(&self, level: Level) -> Result<(), Blinded> {
        if level > STATIC_MAX_LEVEL {
            return Err(Blinded::CompiledOut {
                level,
                max: STATIC_MAX_LEVEL,
            });
        }
        let seen = || self.shared.self_tests_seen.load(Ordering::SeqCst);
        let before = seen();
        emit(level);
        if seen() > before {
            return Ok(());
        }
        let is_installed = dispatcher::get_default(Dispatch::is::<Self>);
        if !is_installed && level == Level::ERROR && LevelFilter::current() == LevelFilter::TRACE {
            return Err(Blinded::NotInstalled);
        }
        Err(Blinded::GlobalFilter { level })
    }
}

/// Opens and closes a span of a level; each level is a callsite of its own.
fn emit(level: Level) {
    macro_rules! emit {
        ($level:expr) => {
            drop(tracing::span!(target: SELF_TEST_TARGET, $level, "llm_audit.self_test"))
        };
    }
    match level {
        Level::ERROR => emit!(Level::ERROR),
        Level::WARN => emit!(Level::WARN),
        Level::INFO => emit!(Level::INFO),
        Level::DEBUG => emit!(Level::DEBUG),
        Level::TRACE => emit!(Level::TRACE),
    }
}
