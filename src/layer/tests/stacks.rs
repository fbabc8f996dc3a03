//! The layer among others: filters, `log`, and layers that are wrapped at run time.

use tracing::{Dispatch, dispatcher, info_span};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, registry, reload};

use super::{METADATA, Sink, chat, layer, text};
use crate::{
    LlmCall,
    layer::{Blinded, InstallError, Installation},
    record::Capture,
    semconv::Slot,
};

fn quiet()
-> fmt::Layer<Registry, fmt::format::DefaultFields, fmt::format::Format, fn() -> std::io::Sink> {
    fmt::layer().with_writer(std::io::sink as fn() -> std::io::Sink)
}

fn ask() {
    let _request = info_span!("request", user.id = "u-1").entered();
    let span = chat!(gen_ai.request.model = "m");
    let _entered = span.enter();
    LlmCall::current().response_json("{}");
}

fn check(sink: &Sink) {
    let record = sink.one();
    assert_eq!(text(&record, Slot::UserId), "u-1");
    assert_eq!(record.capture, Capture::Span);
    assert_eq!(record.call.as_ref().unwrap().responses.len(), 1);
}

#[test]
fn an_env_filter_on_fmt_quiets_fmt_alone() {
    for directives in ["off", "error", "tracing_llm_audit=off", "trace"] {
        let (sink, layer) = layer();
        let stack = registry()
            .with(layer)
            .with(quiet_on().with_filter(EnvFilter::new(directives)));
        let dispatch = Dispatch::new(stack);
        dispatcher::with_default(&dispatch, ask);
        check(&sink);
    }
}

/// A filter that answers `always` loses the span after `log_enabled!` (tokio-rs/tracing#2519).
#[test]
fn log_enabled_between_spans_loses_nothing() {
    let (sink, layer) = layer();
    let stack = registry()
        .with(layer)
        .with(quiet_on().with_filter(EnvFilter::new("info")));
    let dispatch = Dispatch::new(stack);
    dispatcher::with_default(&dispatch, || {
        for _ in 0..3 {
            ask();
            check(&sink);
            // What `log::log_enabled!` does through `tracing-log`: it asks, and no event follows.
            let _ = dispatcher::get_default(|dispatch| dispatch.enabled(&METADATA));
        }
    });
}

#[test]
fn option_vec_and_reloaded_layers_record_too() {
    let (sink, audit) = layer();
    dispatcher::with_default(
        &Dispatch::new(registry().with(Some(audit)).with(quiet_on())),
        ask,
    );
    check(&sink);
    let (sink, audit) = layer();
    dispatcher::with_default(
        &Dispatch::new(registry().with(vec![audit]).with(quiet_on())),
        ask,
    );
    check(&sink);
    let (sink, audit) = layer();
    let (audit, _handle) = reload::Layer::new(audit);
    dispatcher::with_default(&Dispatch::new(registry().with(audit).with(quiet_on())), ask);
    check(&sink);
    let (sink, audit) = layer();
    dispatcher::with_default(
        &Dispatch::new(registry().with(audit.boxed()).with(quiet_on())),
        ask,
    );
    check(&sink);
}

/// A layer without a filter, of any subscriber's type.
fn quiet_on<S: tracing::Subscriber + for<'a> registry::LookupSpan<'a>>() -> impl Layer<S> {
    fmt::layer().with_writer(std::io::sink)
}

#[test]
fn the_layer_is_inferred_for_any_subscriber_below_it() {
    use crate::layer::{Capture, CaptureOptions};
    let sink = std::sync::Arc::new(Sink::default());
    let audit = Capture::layer(sink.clone(), CaptureOptions::default());
    let stack = registry().with(quiet()).with(audit).with(quiet_on());
    dispatcher::with_default(&Dispatch::new(stack), ask);
    check(&sink);
}

/// An interest of `never` from us must not take an event from a layer that wants it.
#[test]
fn other_layers_see_what_we_do_not() {
    #[derive(Clone, Default)]
    struct Counts(std::sync::Arc<std::sync::atomic::AtomicU64>);
    impl<S: tracing::Subscriber> Layer<S> for Counts {
        fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let (counts, (_sink, audit)) = (Counts::default(), layer());
    let stack = registry().with(audit).with(counts.clone());
    dispatcher::with_default(&Dispatch::new(stack), || {
        tracing::debug!("one");
        ask();
        tracing::info!("two");
    });
    assert_eq!(counts.0.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn the_self_test_says_what_blinds_the_layer() {
    let (sink, audit) = layer();
    let capture = audit.inner().clone();
    assert_eq!(capture.self_test(), Err(Blinded::NoSubscriber));
    let good = Dispatch::new(registry().with(audit).with(quiet_on()));
    assert_eq!(
        dispatcher::with_default(&good, || capture.self_test()),
        Ok(())
    );
    let other = Dispatch::new(registry().with(quiet()));
    assert_eq!(
        dispatcher::with_default(&other, || capture.self_test()),
        Err(Blinded::NotInstalled)
    );
    assert!(sink.take().is_empty(), "the self-test leaves no record");
}

#[test]
fn the_self_test_finds_a_global_filter_in_either_order() {
    use tracing::Level;
    let (_, audit) = layer();
    let capture = audit.inner().clone();
    let outside = Dispatch::new(registry().with(audit).with(EnvFilter::new("info")));
    let found = dispatcher::with_default(&outside, || capture.self_test());
    assert_eq!(
        found,
        Err(Blinded::GlobalFilter {
            level: Level::DEBUG
        })
    );
    let audit = crate::layer::Capture::layer(
        std::sync::Arc::new(Sink::default()),
        crate::layer::CaptureOptions::default(),
    );
    let capture = audit.inner().clone();
    let inside = Dispatch::new(registry().with(EnvFilter::new("off")).with(audit));
    let found = dispatcher::with_default(&inside, || capture.self_test());
    assert_eq!(
        found,
        Err(Blinded::GlobalFilter {
            level: Level::ERROR
        })
    );
}

#[test]
fn an_installation_refuses_a_filter_that_stands_for_all() {
    let (_, audit) = layer();
    let refused = Installation::new(audit).with(EnvFilter::new("warn")).init();
    assert!(matches!(
        refused,
        Err(InstallError::Blinded(Blinded::GlobalFilter { .. }))
    ));
}
