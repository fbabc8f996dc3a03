//! What arrived and was acknowledged, by seq.

use std::sync::Mutex;

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest, common::v1::any_value::Value,
    logs::v1::LogRecord,
};

/// How often each seq was acknowledged.
#[derive(Default)]
pub(crate) struct Ledger {
    times: Mutex<Vec<u32>>,
    /// The last request, whole.
    last: Mutex<Option<ExportLogsServiceRequest>>,
}

impl Ledger {
    pub(crate) fn enter(&self, request: ExportLogsServiceRequest) {
        let mut times = self.times.lock().unwrap();
        for seq in seqs(&request) {
            if times.len() <= seq {
                times.resize(seq + 1, 0);
            }
            times[seq] += 1;
        }
        *self.last.lock().unwrap() = Some(request);
    }

    pub(crate) fn last(&self) -> Option<ExportLogsServiceRequest> {
        self.last.lock().unwrap().clone()
    }

    /// The seqs below `entries` that never arrived.
    pub(crate) fn missing(&self, entries: u64) -> Vec<u64> {
        let times = self.times.lock().unwrap();
        (0..entries)
            .filter(|seq| times.get(*seq as usize).copied().unwrap_or(0) == 0)
            .collect()
    }

    /// Distinct seqs, and how many more arrived than that.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let times = self.times.lock().unwrap();
        let distinct = times.iter().filter(|times| **times > 0).count() as u64;
        let all: u64 = times.iter().map(|times| u64::from(*times)).sum();
        (distinct, all - distinct)
    }
}

pub(crate) fn records(request: &ExportLogsServiceRequest) -> impl Iterator<Item = &LogRecord> {
    let scopes = request
        .resource_logs
        .iter()
        .flat_map(|resource| &resource.scope_logs);
    scopes.flat_map(|scope| &scope.log_records)
}

pub(crate) fn seqs(request: &ExportLogsServiceRequest) -> impl Iterator<Item = usize> {
    records(request).filter_map(|record| {
        let attribute = record
            .attributes
            .iter()
            .find(|pair| pair.key == "llm_audit.seq")?;
        match attribute.value.as_ref()?.value.as_ref()? {
            Value::IntValue(seq) => usize::try_from(*seq).ok(),
            _ => None,
        }
    })
}
