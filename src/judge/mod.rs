//! Judges a record: what it was, how it ended, how many tokens, what cost.
//!
//! Promise: pure, and the same wherever it runs: on the caller where a span shows the result, else on the writer. What
//! a span shows of facts alone ([`Glance`]) is found out without a copy of any text; the rest is left to the writer.
//! Error texts leave here redacted.
//! Not here: content and its hashes (`seal`).
//!
//! # Whom it believes
//! For tokens: the handle's `usage`, else the response bodies, summed where there are several, else the span's
//! attributes, which mean what the conventions say (input includes cached) unless their emitter is known to mean
//! otherwise. For models, ids and finish reasons: the
//! response bodies, else the attributes. Where a span below reported usage, tokens and cost are null here.

mod emitted;
mod named;
mod responses;
mod status;
#[cfg(test)]
mod tests;
mod tokens;

pub(crate) use named::{canonical as operation_name, text_list};
pub(crate) use responses::responses;

use std::borrow::Cow;

use self::tokens::Tokens;
use crate::{
    facts::{FactValue, Facts},
    flavour::Flavour,
    outcome::{Detail, Glance, Judged, Outcome},
    price::PriceTable,
    provider::{Reading, Request, Want, provider_at, provider_name, read_request},
    record::{AuditRecord, CallData, Capture, Stage},
    semconv::Slot,
};

/// Everything that was said about one operation.
struct Said<'a> {
    record: &'a AuditRecord,
    facts: &'a Facts,
    call: Option<&'a CallData>,
    request: Request<'a>,
    readings: Vec<Reading<'a>>,
    /// The last response's.
    http_status: Option<u16>,
}

/// The names that prices go by.
struct Names<'s> {
    operation: Cow<'s, str>,
    provider: Option<Cow<'s, str>>,
    request_model: Option<&'s str>,
    response_model: Option<&'s str>,
    service_tier: Option<&'s str>,
}

/// Judges a record as far as its span shows it, and wholly where bodies must be read for that.
pub(crate) fn judge_shown(record: &AuditRecord, prices: &PriceTable) -> Judged {
    let call = record.call.as_ref();
    if call.is_some_and(|call| call.request.is_some() || !call.responses.is_empty()) {
        Judged::Whole(Box::new(judge(record, prices)))
    } else {
        Judged::Glance(glance(record, prices))
    }
}

/// Judges what a span shows of a record without bodies.
fn glance(record: &AuditRecord, prices: &PriceTable) -> Glance {
    let said = Said::about(record);
    let names = said.names();
    let Tokens { usage, .. } = tokens::count(&said);
    let is_ended = record.stage == Stage::Ended;
    Glance {
        status: status::status(&said, &names.operation),
        usage,
        usd: is_ended
            .then(|| tokens::amount(&said, &names, usage, prices))
            .flatten(),
    }
}

/// Judges a record.
pub(crate) fn judge(record: &AuditRecord, prices: &PriceTable) -> Outcome {
    let said = Said::about(record);
    let names = said.names();
    let verdict = status::verdict(&said, &names.operation);
    let tokens = tokens::count(&said);
    let is_ended = record.stage == Stage::Ended;
    let cost = is_ended.then(|| tokens::cost(&said, &names, &tokens, prices));
    Outcome {
        status: verdict.status,
        action: named::action(&said, &names.operation),
        operation: names.operation.into_owned(),
        provider: names.provider.map(Cow::into_owned),
        request_model: names.request_model.map(str::to_owned),
        response_model: names.response_model.map(str::to_owned),
        response_id: said
            .latest(|reading| reading.response_id.as_deref(), Slot::ResponseId)
            .map(str::to_owned),
        finish_reasons: said.finish_reasons(),
        service_tier: names.service_tier.map(str::to_owned),
        stream: said.stream(),
        usage: tokens.usage,
        responses_summed: tokens.responses_summed,
        cost: cost.unwrap_or_default(),
        error_type: verdict.error_type,
        error_message: verdict.error_message,
        detail: Detail {
            blocked_reason: verdict.blocked_reason,
            provider_request_id: said
                .latest(
                    |reading| reading.provider_request_id.as_deref(),
                    Slot::ProviderRequestId,
                )
                .map(str::to_owned),
            reported_cost_usd: said
                .latest(|reading| reading.reported_cost_usd.as_deref(), None)
                .map(str::to_owned),
            raw_usage: said
                .readings
                .iter()
                .rev()
                .find_map(|reading| reading.raw_usage.as_deref())
                .map(<[u8]>::to_vec),
            http_status: said.http_status,
            audio_input_tokens: tokens.audio_input,
            audio_output_tokens: tokens.audio_output,
            user: said.user_of_body(),
        },
    }
}

impl<'a> Said<'a> {
    fn about(record: &'a AuditRecord) -> Self {
        let call = record.call.as_deref();
        let request = call.and_then(|call| call.request.as_deref());
        let responses = call
            .map(|call| responses(call, Want::Facts))
            .unwrap_or_default();
        let last = responses.last();
        Self {
            http_status: last.and_then(|response| response.body.http_status),
            record,
            facts: &record.facts,
            call,
            request: request.map(read_request).unwrap_or_default(),
            readings: responses
                .into_iter()
                .map(|response| response.reading)
                .collect(),
        }
    }

    fn names(&self) -> Names<'_> {
        let request_model = self.facts.said(Slot::RequestModel);
        Names {
            operation: named::operation(self),
            provider: self.provider(),
            request_model: request_model.or(self.request.model.as_deref()),
            response_model: self.latest(
                |reading| reading.response_model.as_deref(),
                Slot::ResponseModel,
            ),
            service_tier: self
                .latest(
                    |reading| reading.service_tier.as_deref(),
                    Slot::OpenAiResponseTier,
                )
                .or(self.asked_tier()),
        }
    }

    /// Whom the body of a call names that only an HTTP client saw. Inside a span, who asks is the host's to say.
    fn user_of_body(&self) -> Option<String> {
        let is_off_span = self.record.capture == Capture::Http;
        self.request.user.clone().filter(|_| is_off_span)
    }

    /// The tier that the request asked for; `auto` names none.
    fn asked_tier(&self) -> Option<&str> {
        let asked = self.request.service_tier.as_deref();
        asked.filter(|tier| *tier != "auto")
    }

    /// What the latest response says that says it, else what the span does.
    fn latest<'s>(
        &'s self,
        say: impl Fn(&'s Reading<'a>) -> Option<&'s str>,
        slot: impl Into<Option<Slot>>,
    ) -> Option<&'s str> {
        let read = self.readings.iter().rev().find_map(say);
        read.or_else(|| self.facts.said(slot.into()?))
    }

    fn flavour(&self) -> Option<Flavour> {
        self.readings
            .iter()
            .rev()
            .find_map(|reading| reading.flavour)
    }

    fn provider(&self) -> Option<Cow<'a, str>> {
        let named = self.facts.said(Slot::ProviderName);
        let by_host = || {
            self.facts
                .text(Slot::ServerAddress)
                .and_then(provider_at)
                .map(Cow::Borrowed)
        };
        // Others than its maker speak an API, but not without telling their host.
        let by_flavour = || {
            let is_at_home = self.facts.text(Slot::ServerAddress).is_none();
            self.flavour()
                .filter(|_| is_at_home)?
                .maker()
                .map(Cow::Borrowed)
        };
        named
            .map(provider_name)
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
}
