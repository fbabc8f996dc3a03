//! What arrived and was acknowledged, by seq.

use std::{collections::BTreeMap, sync::Mutex};

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest, common::v1::any_value::Value,
    logs::v1::LogRecord,
};

/// How often each seq was acknowledged, and with which leaf.
#[derive(Default)]
pub(crate) struct Ledger {
    times: Mutex<Vec<u32>>,
    leaves: Mutex<Option<BTreeMap<String, String>>>,
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
        let mut leaves = self.leaves.lock().unwrap();
        let keeps_leaves = leaves.is_some();
        for record in records(&request).filter(|_| keeps_leaves) {
            let uid = text(record, "log.record.uid").unwrap_or("no uid");
            let leaf = text(record, "llm_audit.leaf").unwrap_or("no leaf");
            let before = leaves
                .as_mut()
                .and_then(|leaves| leaves.insert(uid.to_owned(), leaf.to_owned()));
            assert!(
                before.is_none_or(|before| before == leaf),
                "a fork at {uid}"
            );
        }
        *self.last.lock().unwrap() = Some(request);
    }

    /// A ledger that notes leaves too.
    pub(crate) fn with_leaves() -> Self {
        let ledger = Self::default();
        *ledger.leaves.lock().unwrap() = Some(BTreeMap::new());
        ledger
    }

    /// The leaves that arrived, by `log.record.uid`.
    pub(crate) fn leaves(&self) -> BTreeMap<String, String> {
        self.leaves.lock().unwrap().clone().unwrap_or_default()
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
    records(request).filter_map(seq)
}

fn value<'a>(record: &'a LogRecord, name: &str) -> Option<&'a Value> {
    let attribute = record.attributes.iter().find(|pair| pair.key == name)?;
    attribute.value.as_ref()?.value.as_ref()
}

fn seq(record: &LogRecord) -> Option<usize> {
    match value(record, "llm_audit.seq")? {
        Value::IntValue(seq) => usize::try_from(*seq).ok(),
        _ => None,
    }
}

fn text<'a>(record: &'a LogRecord, name: &str) -> Option<&'a str> {
    match value(record, name)? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}
