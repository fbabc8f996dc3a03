//! One right record for every way in which spans come and go, against a sink that keeps records in memory.

mod ends;
mod fields;
mod handles;
mod nesting;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod stacks;
mod streams;

use std::sync::{Arc, Mutex};

use tracing::Dispatch;
use tracing_subscriber::{Registry, layer::SubscriberExt};

use super::{AuditLayer, Capture, CaptureOptions};
use crate::{
    ack::AckError,
    facts::FactValue,
    operation::{Status, Usage},
    outcome::{Cost, Judged, Outcome},
    record::{AuditRecord, Stage},
    semconv::Slot,
    submit::{Hashes, Submit},
};
use llm_audit_journal::{
    clock::Timestamp,
    random::{Entropy, SystemEntropy},
};

/// Keeps every record.
#[derive(Default)]
pub(crate) struct Sink {
    #[expect(
        clippy::vec_box,
        reason = "records are boxed where they are made, and moved as they are"
    )]
    records: Mutex<Vec<Box<AuditRecord>>>,
    begins: bool,
}

impl Sink {
    /// Takes the records so far.
    #[expect(clippy::vec_box, reason = "as they were submitted")]
    pub(crate) fn take(&self) -> Vec<Box<AuditRecord>> {
        std::mem::take(&mut self.records.lock().unwrap())
    }

    /// Takes the one record that there must be.
    pub(crate) fn one(&self) -> Box<AuditRecord> {
        let mut records = self.take();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }
}

impl Submit for Sink {
    fn submit(&self, record: Box<AuditRecord>) {
        self.records.lock().unwrap().push(record);
    }

    fn try_submit(&self, record: Box<AuditRecord>) -> Result<(), AckError> {
        self.submit(record);
        Ok(())
    }

    fn hurry(&self) -> Result<(), AckError> {
        Ok(())
    }

    fn begins(&self) -> bool {
        self.begins
    }

    fn hashes_on_span(&self) -> bool {
        true
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_795_341_599_000_001)
    }

    fn random(&self, bytes: &mut [u8]) {
        SystemEntropy::default().fill(bytes);
    }

    fn judge(&self, record: &AuditRecord) -> Judged {
        let count = |slot| match record.facts.get(slot) {
            Some(FactValue::Int(count)) => u64::try_from(count).ok(),
            Some(FactValue::UInt(count)) => Some(count),
            _ => None,
        };
        Judged::Whole(Box::new(Outcome {
            status: Status::Success,
            operation: "chat".into(),
            action: "chat".into(),
            provider: None,
            request_model: None,
            response_model: None,
            response_id: Some("resp-1".into()),
            finish_reasons: Vec::new(),
            service_tier: None,
            stream: None,
            usage: Usage {
                input_tokens: count(Slot::InputTokens),
                output_tokens: count(Slot::OutputTokens),
                ..Usage::default()
            },
            responses_summed: None,
            cost: Cost {
                usd: Some(crate::money::Usd::new("0.003303".parse().unwrap())),
                ..Cost::default()
            },
            error_type: None,
            error_message: String::new(),
            detail: crate::outcome::Detail::default(),
        }))
    }

    fn hashes(&self, _: &AuditRecord) -> Hashes {
        Hashes {
            input: "sha256:00".into(),
            ..Hashes::default()
        }
    }
}

/// A sink, and a layer over it.
pub(crate) fn layer() -> (Arc<Sink>, AuditLayer<Registry>) {
    let sink = Arc::new(Sink::default());
    let layer = Capture::layer(sink.clone(), CaptureOptions::default());
    (sink, layer)
}

/// A sink, and a dispatcher with the audit layer alone.
pub(crate) fn audited() -> (Arc<Sink>, Dispatch) {
    let (sink, layer) = layer();
    (
        sink,
        Dispatch::new(tracing_subscriber::registry().with(layer)),
    )
}

/// Runs `body` under a dispatcher with the audit layer alone, and returns its one record.
pub(crate) fn record_of(body: impl FnOnce()) -> Box<AuditRecord> {
    let (sink, dispatch) = audited();
    tracing::dispatcher::with_default(&dispatch, body);
    sink.one()
}

/// The text of a fact, empty where it is absent.
pub(crate) fn text(record: &AuditRecord, slot: Slot) -> &str {
    record.facts.text(slot).unwrap_or_default()
}

/// A span of one chat call.
macro_rules! chat {
    ($($fields:tt)*) => {
        tracing::info_span!("ask", gen_ai.operation.name = "chat", $($fields)*)
    };
}
pub(crate) use chat;

/// What `tracing-log` asks about.
pub(crate) static METADATA: tracing::Metadata<'static> = {
    use tracing::{Level, callsite::Identifier, field::FieldSet, metadata::Kind};
    struct Site;
    impl tracing::Callsite for Site {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}
        fn metadata(&self) -> &tracing::Metadata<'_> {
            &METADATA
        }
    }
    static SITE: Site = Site;
    tracing::Metadata::new(
        "log",
        "some::target",
        Level::TRACE,
        None,
        None,
        None,
        FieldSet::new(&["message"], Identifier(&SITE)),
        Kind::EVENT,
    )
};

#[test]
fn a_begin_record_tells_what_is_known_at_the_first_entry() {
    let sink = Arc::new(Sink {
        begins: true,
        ..Sink::default()
    });
    let layer: AuditLayer<Registry> = Capture::layer(sink.clone(), CaptureOptions::default());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let span = chat!(user.id = "u-1");
        span.in_scope(|| ());
        span.in_scope(|| ());
    });
    let records = sink.take();
    let stages: Vec<_> = records.iter().map(|record| record.stage).collect();
    assert_eq!(stages, [Stage::Begun, Stage::Ended]);
    assert_eq!(records[0].request_id, records[1].request_id);
    assert_eq!(text(&records[0], Slot::UserId), "u-1");
}

#[test]
fn a_configured_target_and_a_configured_field_are_read() {
    let sink = Arc::new(Sink::default());
    let mut options = CaptureOptions::default();
    options.target("legacy::llm");
    assert!(options.field("who", "user.id"));
    assert!(!options.field("what", "no.such.attribute"));
    let layer: AuditLayer<Registry> = Capture::layer(sink.clone(), options);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        drop(tracing::info_span!(target: "legacy::llm::chat", "call", who = "u-9"));
        drop(tracing::info_span!(target: "other", "no call", what = 1));
    });
    assert_eq!(text(&sink.one(), Slot::UserId), "u-9");
}
