//! What must hold of any response body.
//!
//! - Chunks do not matter: the reading is that of the whole body, its output included.
//! - Asking for less does not matter: facts alone are the facts.
//! - What was cut invents nothing. Of a text stream, whatever follows the last finished event changes nothing at all.
//!   Of a whole body, a count is the whole body's or is not there.
//! - The judge makes something of it, and never a negative cost.

use super::number_of;
use crate::{
    explain::Exchange,
    flavour::Flavour,
    operation::Usage,
    price::PriceTable,
    provider::{Body, BodyReader, Reading, Want, read},
};
use llm_audit_journal::json;

/// Statuses under which bodies are read.
const STATUSES: [Option<u16>; 4] = [Some(200), None, Some(200), Some(429)];

/// Checks one body.
pub(super) fn check(flavour: Option<Flavour>, data: &[u8]) {
    let number = number_of(data);
    let body = Body {
        bytes: data,
        http_status: STATUSES[number as usize % STATUSES.len()],
        is_whole: true,
        flavour,
        headers: &[],
    };
    let whole = read(&body, Want::Output);
    // One question to each input: many inputs say more than many questions.
    match (number >> 8) % 8 {
        0 => check_explained(&body),
        1 => assert!(
            without_output(read(&body, Want::Facts)) == without_output(whole),
            "asking for less matters"
        ),
        2..5 => assert!(in_chunks(&body, number) == whole, "chunks matter"),
        _ => check_cut(&body, &whole, (number >> 32) as usize % (data.len() + 1)),
    }
}

fn in_chunks(body: &Body<'_>, mut number: u64) -> Reading<'static> {
    let mut reader = BodyReader::new(body.flavour, body.headers, Want::Output);
    let mut rest = body.bytes;
    while !rest.is_empty() {
        number = number.wrapping_mul(6_364_136_223_846_793_005) + 1;
        // Mostly small, now and then large.
        let size_max = if number.is_multiple_of(8) { 4096 } else { 13 };
        let size = 1 + (number >> 33) as usize % size_max;
        let (chunk, others) = rest.split_at(size.min(rest.len()));
        reader.push(chunk);
        rest = others;
    }
    reader.finish(body.http_status, body.is_whole)
}

fn without_output(mut reading: Reading<'_>) -> Reading<'_> {
    reading.output = None;
    reading
}

fn check_cut(body: &Body<'_>, whole: &Reading<'_>, end: usize) {
    let cut_at = |end: usize| Body {
        bytes: &body.bytes[..end],
        is_whole: false,
        ..*body
    };
    let cut_body = cut_at(end);
    let cut = read(&cut_body, Want::Output);
    assert!(
        in_chunks(&cut_body, 7) == cut,
        "chunks of a cut body matter"
    );
    if !whole.is_stream && !cut.is_stream {
        // Of an array that no flavour knows, the last element counts, as of a stream.
        let is_object = body.bytes.trim_ascii_start().starts_with(b"{");
        // Whose model it was, Bedrock's bodies tell by their shape alone: half of one may look like another's.
        let is_told = ![None, Some(Flavour::BedrockInvoke)].contains(&body.flavour);
        let is_plain = is_told && is_object && are_keys_unique(body.bytes);
        assert!(end == body.bytes.len() || !cut.is_complete || is_nothing_lost(body, end));
        if is_plain && cut.flavour == whole.flavour {
            assert!(is_part(&cut.usage, &whole.usage), "a count was invented");
        }
        return;
    }
    if let Some(end) = end_of_events(cut_body.bytes) {
        let finished = cut_at(end);
        assert!(
            read(&finished, Want::Output) == cut,
            "half an event was believed"
        );
    }
}

/// Says whether the cut took away nothing but space, or what is no JSON was cut.
fn is_nothing_lost(body: &Body<'_>, end: usize) -> bool {
    let rest = &body.bytes[end..];
    rest.iter().all(u8::is_ascii_whitespace) || !body.bytes.trim_ascii_start().starts_with(b"{")
}

/// Says whether each count is the whole's, or is not there.
pub(super) fn is_part(part: &Usage, whole: &Usage) -> bool {
    let pairs = [
        (part.input_tokens, whole.input_tokens),
        (part.output_tokens, whole.output_tokens),
        (part.thinking_tokens, whole.thinking_tokens),
        (part.cache_read_tokens, whole.cache_read_tokens),
        (part.cache_write_tokens, whole.cache_write_tokens),
        (part.cache_write_1h_tokens, whole.cache_write_1h_tokens),
        (part.web_searches, whole.web_searches),
    ];
    pairs
        .into_iter()
        .all(|(part, whole)| part.is_none() || part == whole)
}

/// Of two members of one name the last counts, so that a cut body may say another thing.
fn are_keys_unique(object: &[u8]) -> bool {
    let object = String::from_utf8_lossy(object);
    let mut keys: Vec<_> = json::members(object.as_bytes())
        .filter_map(Result::ok)
        .map(|(key, _)| key)
        .collect();
    keys.sort();
    keys.windows(2).all(|pair| pair[0] != pair[1])
}

/// Where the last finished event of server-sent events ends; `None` where the text is hard to tell or none ended.
fn end_of_events(text: &[u8]) -> Option<usize> {
    let is_sse = [&b"data:"[..], b"event:", b"id:"]
        .iter()
        .any(|start| text.starts_with(start));
    if !is_sse || text.contains(&b'\r') {
        return None;
    }
    let ends = text.windows(2).rposition(|pair| pair == b"\n\n")?;
    Some(ends + 2)
}

/// Makes the audit's judge look at it.
fn check_explained(body: &Body<'_>) {
    thread_local! {
        static PRICES: PriceTable = PriceTable::embedded();
    }
    let mut exchange = Exchange::new(body.bytes).model("gpt-4o");
    if let Some(flavour) = body.flavour {
        exchange = exchange.flavour(flavour);
    }
    let told = PRICES.with(|prices| exchange.explain(prices));
    if let Some(usd) = told.record.cost_usd {
        assert!(!usd.amount().is_sign_negative(), "a negative cost");
    }
}
