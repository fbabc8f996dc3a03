//! Judges a record: what it was, how it ended, how many tokens, what cost.
//!
//! Promise: pure, and the same wherever it runs: on the caller where a span shows the result, else on the writer.
//! Error texts leave here redacted.
//! Not here: content and its hashes (`seal`).
//!
//! # Whom it believes
//! For tokens: the handle's `usage`, else the response bodies, summed where there are several, else the span's
//! attributes, which mean what the conventions say (input includes cached). For models, ids and finish reasons: the
//! response bodies, else the attributes. Where a span below reported usage, tokens and cost are null here.

mod named;
mod status;
#[cfg(test)]
mod tests;
mod tokens;

pub(crate) use named::text_list;

use crate::{
    facts::{FactValue, Facts},
    outcome::{Cost, Detail, Outcome},
    price::PriceTable,
    provider::{Flavour, Reading, Request, Want, provider_at, provider_name, read, read_request},
    record::{AuditRecord, CallData, ResponseBody, Stage},
    semconv::Slot,
};

/// Everything that was said about one operation.
struct Said<'a> {
    record: &'a AuditRecord,
    facts: &'a Facts,
    call: Option<&'a CallData>,
    request: Request<'a>,
    readings: Vec<Reading<'a>>,
}

/// Judges a record.
pub(crate) fn judge(record: &AuditRecord, prices: &PriceTable) -> Outcome {
    let said = Said::about(record);
    let operation = named::operation(&said);
    let action = named::action(&said, &operation);
    let verdict = status::verdict(&said, &operation);
    let tokens = tokens::count(&said);
    let mut outcome = Outcome {
        status: verdict.status,
        action,
        provider: said.provider(),
        request_model: said
            .fact_text(Slot::RequestModel)
            .or_else(|| said.request.model.clone()),
        response_model: said.latest(
            |reading| reading.response_model.clone(),
            Slot::ResponseModel,
        ),
        response_id: said.latest(|reading| reading.response_id.clone(), Slot::ResponseId),
        finish_reasons: said.finish_reasons(),
        service_tier: said.latest(
            |reading| reading.service_tier.clone(),
            Slot::OpenAiResponseTier,
        ),
        stream: said.stream(),
        usage: tokens.usage,
        responses_summed: tokens.responses_summed,
        cost: Cost::default(),
        error_type: verdict.error_type,
        error_message: verdict.error_message,
        detail: Detail {
            blocked_reason: verdict.blocked_reason,
            provider_request_id: said.latest(|reading| reading.provider_request_id.clone(), None),
            reported_cost_usd: said.latest(|reading| reading.reported_cost_usd.clone(), None),
            http_status: said.http_status(),
            audio_input_tokens: tokens.audio_input,
            audio_output_tokens: tokens.audio_output,
        },
        operation,
    };
    if record.stage == Stage::Ended {
        outcome.cost = tokens::cost(&said, &outcome, prices);
    }
    outcome
}

impl<'a> Said<'a> {
    fn about(record: &'a AuditRecord) -> Self {
        let call = record.call.as_deref();
        let request = call.and_then(|call| call.request.as_deref());
        let responses = call
            .map(|call| call.responses.as_slice())
            .unwrap_or_default()
            .iter();
        let read = |body: &'a ResponseBody| {
            read(&body.bytes, body.http_status, body.complete, Want::Facts)
        };
        Self {
            record,
            facts: &record.facts,
            call,
            request: request.map(read_request).unwrap_or_default(),
            readings: responses.map(read).collect(),
        }
    }

    fn fact_text(&self, slot: Slot) -> Option<String> {
        let text = self.facts.text(slot)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// What the latest response says that says it, else what the span does.
    fn latest(
        &self,
        say: impl Fn(&Reading<'a>) -> Option<String>,
        slot: impl Into<Option<Slot>>,
    ) -> Option<String> {
        let read = self.readings.iter().rev().find_map(say);
        read.or_else(|| self.fact_text(slot.into()?))
    }

    fn flavour(&self) -> Option<Flavour> {
        self.readings
            .iter()
            .rev()
            .find_map(|reading| reading.flavour)
    }

    fn provider(&self) -> Option<String> {
        let named = self
            .facts
            .text(Slot::ProviderName)
            .filter(|name| !name.trim().is_empty());
        let by_host = || {
            self.facts
                .text(Slot::ServerAddress)
                .and_then(provider_at)
                .map(str::to_owned)
        };
        // Others than Anthropic speak its API, but not without telling their host.
        let by_flavour = || {
            let is_at_home = self.facts.text(Slot::ServerAddress).is_none();
            (is_at_home && self.flavour() == Some(Flavour::AnthropicMessages))
                .then(|| "anthropic".to_owned())
        };
        named
            .map(|name| provider_name(name).into_owned())
            .or_else(by_host)
            .or_else(by_flavour)
    }

    fn finish_reasons(&self) -> Vec<String> {
        let read = self
            .readings
            .iter()
            .rev()
            .find(|reading| !reading.finish_reasons.is_empty());
        match read {
            Some(reading) => reading.finish_reasons.clone(),
            None => text_list(self.facts.text(Slot::FinishReasons).unwrap_or_default()),
        }
    }

    fn stream(&self) -> Option<bool> {
        let read = self.readings.last().map(|reading| reading.is_stream);
        let said = || match self.facts.get(Slot::Stream)? {
            FactValue::Bool(stream) => Some(stream),
            FactValue::Text("true") => Some(true),
            FactValue::Text("false") => Some(false),
            _ => None,
        };
        read.or(self.request.stream).or_else(said)
    }

    fn http_status(&self) -> Option<u16> {
        self.call?.responses.last()?.http_status
    }
}
