//! What must hold of whatever else comes from outside: requests, URLs, price tables, error texts, journal lines, JSON.

use super::number_of;
use crate::{
    explain::Exchange,
    price::PriceTable,
    provider::{provider_name, read_request, route, route_path},
    redact::{find, redact},
    sanitize::Redactor,
};
use llm_audit_journal::{clock::Timestamp, entry::Entry, json};

/// A request and its response, cut apart at a byte that the bytes choose.
pub(super) fn check_exchange(data: &[u8]) {
    thread_local! {
        static PRICES: PriceTable = PriceTable::embedded();
    }
    let at = data.iter().position(|byte| *byte == 0);
    let (request, response) = data.split_at(at.unwrap_or(data.len() / 2));
    let exchange = Exchange::new(response).request(request);
    let told = PRICES.with(|prices| exchange.explain(prices));
    let line = format!("{told:?}");
    assert!(!line.is_empty());
    if let Some(usd) = told.record.cost_usd {
        assert!(!usd.amount().is_sign_negative(), "a negative cost");
    }
}

/// A request's body: what it says is part of it.
pub(super) fn check_request(data: &[u8]) {
    let request = read_request(data);
    let system = request.system.map_or(0, <[u8]>::len);
    assert!(system <= data.len(), "content came from nowhere");
    let input = request.input.as_deref().map_or(0, <[u8]>::len);
    // What a flavour scatters over members is put together as an object of its own.
    assert!(input <= 2 * data.len() + 64, "content came from nowhere");
}

/// A host and a path, cut apart at the first slash.
pub(super) fn check_route(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let at = text.find('/').unwrap_or(text.len());
    let (host, path) = text.split_at(at);
    let by_host = route(host, path);
    let by_path = route_path(path);
    if let Some(route) = &by_host {
        assert_eq!(provider_name(route.provider), route.provider);
    }
    drop((by_host, by_path));
}

/// A price table: one that is taken prices without a panic, and never below zero.
pub(super) fn check_price_table(data: &[u8]) {
    let at = Timestamp::from_micros(1_790_000_000_000_000);
    let Ok(prices) = PriceTable::from_json(data, at) else {
        return;
    };
    let body = br#"{"type":"message","model":"m","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,
        "cache_creation_input_tokens":5,"cache_read_input_tokens":7,"output_tokens":11}}"#;
    for model in ["claude-sonnet-4-5", "gpt-4o", "m", ""] {
        let told = Exchange::new(body)
            .model(model)
            .provider("anthropic")
            .at(at);
        if let Some(usd) = told.explain(&prices).record.cost_usd {
            assert!(!usd.amount().is_sign_negative(), "a negative cost");
        }
    }
}

/// An error's text: no credential is left that redacting again would find by itself.
///
/// A value with a mark in it may still be found as a whole, because of a name before it that the first time stood too
/// far from anything secret: then more is taken, and nothing was kept.
pub(super) fn check_redact(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let once = redact(&text);
    for finding in find(&once) {
        let found = &once[finding.start..finding.end];
        // What the cut went through may look like another value than it was.
        let is_cut = once.ends_with(" [cut]");
        assert!(
            found.contains("[redacted") || is_cut,
            "a credential was left"
        );
    }
}

/// A prompt: what is found lies in it, at characters' ends and one behind the other; a marker is not found again; a
/// JSON body stays one.
pub(super) fn check_sanitize(data: &[u8]) {
    thread_local! {
        static REDACTOR: Redactor = Redactor::default();
    }
    REDACTOR.with(|redactor| {
        let text = String::from_utf8_lossy(data);
        let redacted = redactor.text(&text);
        let mut end = 0;
        for finding in redacted.findings.iter() {
            assert!(finding.place.start >= end, "findings overlap");
            assert!(
                text.get(finding.place.clone()).is_some(),
                "a finding is no part"
            );
            end = finding.place.end;
        }
        // A marker's word may explain a number beside it, which is then found as well; the marker itself never is.
        for finding in redactor.text(&redacted.text).findings.iter() {
            let found = &redacted.text[finding.place.clone()];
            assert!(
                !found.contains("[redacted"),
                "what was redacted is found again"
            );
        }
        if let Ok(redacted) = redactor.json(data) {
            let is_json = json::canonical(&mut Vec::new(), &redacted.json).is_ok();
            assert!(is_json, "redacted JSON is none");
        }
    });
}

/// A journal's line: what is taken can be asked for everything.
pub(super) fn check_entry(data: &[u8]) {
    let Ok(entry) = Entry::parse(data) else {
        return;
    };
    let first = entry.check_commitments();
    let parsed = Entry::parse(entry.line()).expect("the line that was just read");
    assert!(parsed.leaf() == entry.leaf() && parsed.check_commitments() == first);
    for (key, _) in entry.members() {
        let _ = (entry.text(&key), entry.unsigned(&key));
    }
}

/// Any JSON: its normal and its canonical form are their own.
pub(super) fn check_json(data: &[u8]) {
    let mut once = Vec::new();
    if json::normalize(&mut once, data, 1).is_ok() {
        let mut twice = Vec::new();
        json::normalize(&mut twice, &once, 1).expect("a normal form is JSON");
        assert_eq!(once, twice, "normalising again changes it");
    }
    let mut once = Vec::new();
    if json::canonical(&mut once, data).is_ok() {
        let mut twice = Vec::new();
        json::canonical(&mut twice, &once).expect("a canonical form is JSON");
        assert_eq!(once, twice, "the canonical form has another");
    }
    let at = number_of(data) as usize % (data.len() + 1);
    let cut = json::members(&data[..at]).filter_map(Result::ok).count();
    assert!(cut <= data.len(), "members came from nowhere");
    let _ = (
        json::elements(data).count(),
        json::text(data),
        json::unsigned(data),
    );
}
