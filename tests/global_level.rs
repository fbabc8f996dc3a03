//! The level hint of a whole subscriber, which is the process's: where it blinds the audit, and how that is found.
//!
//! One test alone in its process: the greatest level of all live subscribers counts.

use tracing::{Dispatch, dispatcher};
use tracing_llm_audit::{Blinded, testing};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, registry};

/// `Layer::and_then` over a registry takes the outer filter's level for that of both (`tracing-subscriber` 0.3.23),
/// so with `RUST_LOG=off` no span comes to exist. Added with `with`, the same layers work.
#[test]
fn layers_chained_to_each_other_are_blinded_and_the_self_test_says_so() {
    let (layer, audit) = testing::in_memory::<Registry>();
    let capture = layer.inner().clone();
    let quiet = fmt::layer().with_filter(EnvFilter::new("off"));
    let chained = Dispatch::new(registry().with(layer.and_then(quiet)));
    let seen = dispatcher::with_default(&chained, || capture.self_test());
    assert!(
        matches!(seen, Err(Blinded::GlobalFilter { .. })),
        "{seen:?}"
    );
    drop((chained, audit));

    let (layer, audit) = testing::in_memory::<Registry>();
    let capture = layer.inner().clone();
    let quiet = fmt::layer().with_filter(EnvFilter::new("off"));
    let stacked = Dispatch::new(registry().with(layer).with(quiet));
    dispatcher::with_default(&stacked, || {
        assert_eq!(capture.self_test(), Ok(()));
        tracing::debug_span!("ask", gen_ai.operation.name = "chat").in_scope(|| ());
    });
    assert_eq!(audit.records().len(), 1, "and the self-test left none");
}
