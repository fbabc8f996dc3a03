//! The JSON object: the keys of the recordings' index, then the record.
//!
//! Promise: every key is always there, null where the response does not say; money and what was kept as JSON keep their
//! own spelling.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;
use tracing_llm_audit::{
    Usd,
    explain::{CostLine, Explanation, Iterations, OtherIteration, Seen, SeenError, Verdict},
};

use super::{Args, api};

/// Writes the object, indented, and a newline.
pub(super) fn write(out: &mut impl Write, args: &Args, told: &Explanation) -> io::Result<()> {
    let api = api(args, told);
    let shown = Shown::of(args.provider.as_deref(), api.as_deref(), told);
    serde_json::to_writer_pretty(&mut *out, &shown)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Shown<'a> {
    provider: Option<&'a str>,
    api: Option<&'a str>,
    stream: bool,
    complete: bool,
    request_model: &'a Option<String>,
    response_model: &'a Option<String>,
    response_id: &'a Option<String>,
    input_tokens_reported: Option<u64>,
    output_tokens_reported: Option<u64>,
    input_tokens_total: Option<u64>,
    output_tokens_total: Option<u64>,
    reasoning_tokens: Option<u64>,
    cache_read_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    cache_write_5m_tokens: Option<u64>,
    cache_write_1h_tokens: Option<u64>,
    billed_input_tokens: Option<u64>,
    billed_output_tokens: Option<u64>,
    tool_use_prompt_tokens: Option<u64>,
    input_audio_tokens: Option<u64>,
    output_audio_tokens: Option<u64>,
    server_tool_use: Option<Box<RawValue>>,
    service_tier: &'a Option<String>,
    sum_over_iterations: Option<IterationsShown>,
    other_model_iterations_not_in_top_level_usage: Option<Vec<OtherShown<'a>>>,
    bedrock_invocation_metrics: Option<Box<RawValue>>,
    provider_reported_cost: Option<Box<RawValue>>,
    provider_reported_cost_in_usd_ticks: Option<u64>,
    finish_reasons: &'a [String],
    incomplete_reason: &'a Option<String>,
    tool_calls: Option<&'a [String]>,
    mid_stream_error: Option<Box<RawValue>>,
    error: Option<ErrorShown<'a>>,
    raw_usage: Option<Box<RawValue>>,
    record: RecordShown<'a>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the index's names")]
struct IterationsShown {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OtherShown<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    model: &'a str,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Serialize)]
struct ErrorShown<'a> {
    http_status: Option<u16>,
    #[serde(rename = "type")]
    kind: &'a Option<String>,
    code: Option<Box<RawValue>>,
    status: Option<Box<RawValue>>,
    message: &'a Option<String>,
}

/// What the audit's record says, by the journal's names.
#[derive(Serialize)]
struct RecordShown<'a> {
    status: &'static str,
    action: &'a str,
    operation: &'a str,
    provider: &'a Option<String>,
    model: Option<&'a String>,
    request_model: &'a Option<String>,
    response_model: &'a Option<String>,
    response_id: &'a Option<String>,
    provider_request_id: &'a Option<String>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    thinking_tokens: Option<u64>,
    cache_read_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    cache_write_1h_tokens: Option<u64>,
    web_searches: Option<u64>,
    finish_reasons: &'a [String],
    stream: Option<bool>,
    service_tier: &'a Option<String>,
    blocked_reason: &'a Option<String>,
    error_type: &'a Option<String>,
    error_message: &'a str,
    cost_usd: Option<Box<RawValue>>,
    cost_lines: Vec<LineShown<'a>>,
    reported_cost_usd: Option<Box<RawValue>>,
    pricing: Option<Box<RawValue>>,
}

/// One line of the bill: quantity times unit price.
#[derive(Serialize)]
struct LineShown<'a> {
    unit: &'a str,
    quantity: u64,
    unit_price_usd: Option<Box<RawValue>>,
    per: u64,
    cost_usd: Option<Box<RawValue>>,
}

impl<'a> Shown<'a> {
    fn of(provider: Option<&'a str>, api: Option<&'a str>, told: &'a Explanation) -> Self {
        let seen: &Seen = &told.seen;
        let some = |texts: &'a [String]| (!texts.is_empty()).then_some(texts);
        let others = &seen.other_model_iterations;
        Self {
            provider,
            api,
            stream: seen.is_stream,
            complete: seen.is_complete,
            request_model: &seen.request_model,
            response_model: &seen.response_model,
            response_id: &seen.response_id,
            input_tokens_reported: seen.input_tokens_reported,
            output_tokens_reported: seen.output_tokens_reported,
            input_tokens_total: seen.input_tokens_total,
            output_tokens_total: seen.output_tokens_total,
            reasoning_tokens: seen.reasoning_tokens,
            cache_read_tokens: seen.cache_read_tokens,
            cache_write_tokens: seen.cache_write_tokens,
            cache_write_5m_tokens: seen.cache_write_5m_tokens,
            cache_write_1h_tokens: seen.cache_write_1h_tokens,
            billed_input_tokens: seen.billed_input_tokens,
            billed_output_tokens: seen.billed_output_tokens,
            tool_use_prompt_tokens: seen.tool_use_prompt_tokens,
            input_audio_tokens: seen.input_audio_tokens,
            output_audio_tokens: seen.output_audio_tokens,
            server_tool_use: raw(seen.server_tool_use.as_ref()),
            service_tier: &seen.service_tier,
            sum_over_iterations: seen.sum_over_iterations.as_ref().map(IterationsShown::of),
            other_model_iterations_not_in_top_level_usage: (!others.is_empty())
                .then(|| others.iter().map(OtherShown::of).collect()),
            bedrock_invocation_metrics: raw(seen.bedrock_invocation_metrics.as_ref()),
            provider_reported_cost: raw(seen.provider_reported_cost.as_ref()),
            provider_reported_cost_in_usd_ticks: seen.provider_reported_cost_in_usd_ticks,
            finish_reasons: &seen.finish_reasons,
            incomplete_reason: &seen.incomplete_reason,
            tool_calls: some(&seen.tool_calls),
            mid_stream_error: raw(seen.mid_stream_error.as_ref()),
            error: seen.error.as_ref().map(ErrorShown::of),
            raw_usage: raw(seen.raw_usage.as_ref()),
            record: RecordShown::of(&told.record),
        }
    }
}

impl IterationsShown {
    fn of(sum: &Iterations) -> Self {
        Self {
            input_tokens: sum.input_tokens,
            output_tokens: sum.output_tokens,
            cache_read_tokens: sum.cache_read_tokens,
            cache_write_tokens: sum.cache_write_tokens,
        }
    }
}

impl<'a> OtherShown<'a> {
    fn of(other: &'a OtherIteration) -> Self {
        Self {
            kind: &other.kind,
            model: &other.model,
            input_tokens: other.input_tokens,
            output_tokens: other.output_tokens,
        }
    }
}

impl<'a> ErrorShown<'a> {
    fn of(error: &'a SeenError) -> Self {
        Self {
            http_status: error.http_status,
            kind: &error.kind,
            code: word(error.code.as_ref(), error.code_is_number),
            status: word(error.status.as_ref(), error.status_is_number),
            message: &error.message,
        }
    }
}

impl<'a> RecordShown<'a> {
    fn of(record: &'a Verdict) -> Self {
        let usage = &record.usage;
        Self {
            status: record.status.as_str(),
            action: &record.action,
            operation: &record.operation,
            provider: &record.provider,
            model: record
                .response_model
                .as_ref()
                .or(record.request_model.as_ref()),
            request_model: &record.request_model,
            response_model: &record.response_model,
            response_id: &record.response_id,
            provider_request_id: &record.provider_request_id,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            thinking_tokens: usage.thinking_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            cache_write_1h_tokens: usage.cache_write_1h_tokens,
            web_searches: usage.web_searches,
            finish_reasons: &record.finish_reasons,
            stream: record.stream,
            service_tier: &record.service_tier,
            blocked_reason: &record.blocked_reason,
            error_type: &record.error_type,
            error_message: &record.error_message,
            cost_usd: record.cost_usd.and_then(money),
            cost_lines: record.cost_lines.iter().map(LineShown::of).collect(),
            reported_cost_usd: raw(record.reported_cost_usd.as_ref()),
            pricing: raw(record.pricing.as_ref()),
        }
    }
}

impl<'a> LineShown<'a> {
    fn of(line: &'a CostLine) -> Self {
        Self {
            unit: line.unit,
            quantity: line.quantity,
            unit_price_usd: money(line.unit_price),
            per: line.per,
            cost_usd: money(line.cost),
        }
    }
}

/// JSON text as it is; a text that is no JSON is not shown.
fn raw(text: Option<&String>) -> Option<Box<RawValue>> {
    RawValue::from_string(text?.clone()).ok()
}

/// A word, or a number where it was one.
fn word(text: Option<&String>, is_number: bool) -> Option<Box<RawValue>> {
    if is_number {
        return raw(text);
    }
    raw(Some(&serde_json::to_string(text?).ok()?))
}

fn money(usd: Usd) -> Option<Box<RawValue>> {
    RawValue::from_string(usd.to_string()).ok()
}
