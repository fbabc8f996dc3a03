//! What the audit's record of an exchange says.
//!
//! Promise: the judge's own outcome, member by member; nothing is found out here.

use crate::{
    money::Usd,
    operation::{Status, Usage},
    outcome::Outcome,
    price::{CostLine, cost_lines},
};

/// What the audit's record of an exchange says: its totals, how it ended, and what it cost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// How it ended.
    pub status: Status,
    /// The conventions' name of the operation.
    pub operation: String,
    /// The provider's method.
    pub action: String,
    /// The provider, by the conventions' name.
    pub provider: Option<String>,
    /// The model that was asked for.
    pub request_model: Option<String>,
    /// The model that answered.
    pub response_model: Option<String>,
    /// The provider's id of the response.
    pub response_id: Option<String>,
    /// The provider's id of the request.
    pub provider_request_id: Option<String>,
    /// The canonical counts.
    pub usage: Usage,
    /// The provider's words on why it stopped.
    pub finish_reasons: Vec<String>,
    /// The tier that served the request.
    pub service_tier: Option<String>,
    /// Whether the response was streamed.
    pub stream: Option<bool>,
    /// The code of the provider's refusal.
    pub blocked_reason: Option<String>,
    /// The error's type.
    pub error_type: Option<String>,
    /// The error's text, redacted; empty where there is none.
    pub error_message: String,
    /// The exact cost; `None` where it is not known, and `pricing` says why.
    pub cost_usd: Option<Usd>,
    /// The bill by the price table: each quantity with its unit price, run by run. Empty where no prices were found.
    pub cost_lines: Vec<CostLine>,
    /// The record's `pricing` member, as JSON text: table, version, unit prices, and what else there is to say.
    pub pricing: Option<String>,
    /// The provider's own price in dollars, as it spelled the number.
    pub reported_cost_usd: Option<String>,
}

impl Verdict {
    pub(super) fn of(outcome: Outcome) -> Self {
        Self {
            status: outcome.status,
            operation: outcome.operation,
            action: outcome.action,
            provider: outcome.provider,
            request_model: outcome.request_model,
            response_model: outcome.response_model,
            response_id: outcome.response_id,
            provider_request_id: outcome.detail.provider_request_id,
            usage: outcome.usage,
            finish_reasons: outcome.finish_reasons,
            service_tier: outcome.service_tier,
            stream: outcome.stream,
            blocked_reason: outcome.detail.blocked_reason,
            error_type: outcome.error_type,
            error_message: outcome.error_message,
            cost_usd: outcome.cost.usd,
            cost_lines: cost_lines(&outcome.cost.lines),
            pricing: outcome.cost.pricing,
            reported_cost_usd: outcome.detail.reported_cost_usd,
        }
    }
}
