//! A sink for measuring the layer by itself: keeps records until they are drained between batches.
//!
//! Promise: costs a caller what a queue costs, and does nothing else.
//! Not here: anything that a host needs; hidden from the documentation, and free to change.

use std::sync::{Arc, Mutex, PoisonError};

use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use super::{AuditLayer, Capture, CaptureOptions, SpanBridge};
use crate::{
    clock::{Clock, SystemClock, Timestamp},
    judge,
    outcome::Outcome,
    price::PriceTable,
    random::{Entropy, SystemEntropy},
    record::AuditRecord,
    submit::{Hashes, Submit},
};

/// Records as the layer submitted them.
pub struct Drained {
    #[expect(
        clippy::vec_box,
        reason = "records are boxed where they are made, and moved as they are"
    )]
    records: Mutex<Vec<Box<AuditRecord>>>,
    prices: PriceTable,
}

impl Drained {
    /// Drops what was submitted, and says how many records that were.
    pub fn drain(&self) -> usize {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let count = records.len();
        records.clear();
        count
    }
}

/// Makes a layer over a sink that is drained by hand.
pub fn layer<S>(bridge: Option<Box<dyn SpanBridge>>) -> (Arc<Drained>, AuditLayer<S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let sink = Arc::new(Drained {
        records: Mutex::default(),
        prices: PriceTable::embedded(),
    });
    let options = CaptureOptions {
        bridge,
        ..CaptureOptions::default()
    };
    (Arc::clone(&sink), Capture::layer(sink, options))
}

impl Submit for Drained {
    fn submit(&self, record: Box<AuditRecord>) {
        self.records
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(record);
    }

    fn begins(&self) -> bool {
        false
    }

    fn hashes_on_span(&self) -> bool {
        false
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn random(&self, bytes: &mut [u8]) {
        SystemEntropy.fill(bytes);
    }

    fn judge(&self, record: &AuditRecord) -> Outcome {
        judge::judge(record, &self.prices)
    }

    fn hashes(&self, _: &AuditRecord, _: &Outcome) -> Hashes {
        Hashes::default()
    }
}
