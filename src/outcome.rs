//! What became of an operation: status, models, usage and cost; what a span showed of it, the record repeats.
//!
//! Promise: an unknown number is `None`, never zero.
//! Not here: how it is found out (`judge`), how it is written (`seal`).

use crate::{
    money::Usd,
    operation::{Status, Usage},
};

/// What the record will say about how the operation went.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// `gen_ai.operation.name`, or what its alias means: `chat`, `embeddings`, `execute_tool`, ...
    pub(crate) operation: String,
    /// The provider's method where known (`messages.create`, ...), else the operation.
    pub(crate) action: String,
    pub(crate) provider: Option<String>,
    pub(crate) request_model: Option<String>,
    pub(crate) response_model: Option<String>,
    pub(crate) response_id: Option<String>,
    pub(crate) finish_reasons: Vec<String>,
    pub(crate) service_tier: Option<String>,
    /// Whether the response was streamed, where known.
    pub(crate) stream: Option<bool>,
    pub(crate) usage: Usage,
    /// Responses whose usage was summed, where more than one.
    pub(crate) responses_summed: Option<u64>,
    pub(crate) cost: Cost,
    pub(crate) error_type: Option<String>,
    /// Redacted; empty when there is none.
    pub(crate) error_message: String,
    pub(crate) detail: Detail,
}

/// What a span shows of an operation: the part of an [`Outcome`] that takes no copy of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    pub(crate) status: Status,
    pub(crate) usage: Usage,
    pub(crate) usd: Option<Usd>,
}

/// How far an operation was judged on its caller.
#[derive(Clone, Debug)]
pub(crate) enum Judged {
    /// From its facts alone, as far as its span shows it.
    Glance(Glance),
    /// Wholly, because bodies had to be read.
    Whole(Box<Outcome>),
}

impl Outcome {
    /// Takes over what was shown already.
    pub(crate) fn repeating(mut self, shown: Glance) -> Self {
        self.status = shown.status;
        self.usage = shown.usage;
        self.cost.usd = shown.usd;
        self
    }
}

impl Judged {
    pub(crate) fn glance(&self) -> Glance {
        match self {
            Self::Glance(glance) => *glance,
            Self::Whole(outcome) => Glance {
                status: outcome.status,
                usage: outcome.usage,
                usd: outcome.cost.usd,
            },
        }
    }
}

/// Further facts that were read out of the responses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detail {
    /// The code of the host's guard or of the provider's refusal.
    pub(crate) blocked_reason: Option<String>,
    /// The provider's id of the request.
    pub(crate) provider_request_id: Option<String>,
    /// The provider's own price, as it spelled the number.
    pub(crate) reported_cost_usd: Option<String>,
    /// The latest response's own usage object, as the provider spelled it.
    pub(crate) raw_usage: Option<Vec<u8>>,
    pub(crate) http_status: Option<u16>,
    pub(crate) audio_input_tokens: Option<u64>,
    pub(crate) audio_output_tokens: Option<u64>,
    /// Whom the request's body names as the one who asks, where no span could say it.
    pub(crate) user: Option<String>,
}

/// The exact cost, and how it was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) usd: Option<Usd>,
    /// The `pricing` member's JSON text, in the journal's spelling; `None` where pricing does not apply.
    pub(crate) pricing: Option<String>,
    /// What the table charges for, run by run; empty where no prices were found.
    pub(crate) lines: Vec<Charged>,
}

/// A unit that was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charged {
    /// The price table's name of it.
    pub(crate) unit: &'static str,
    pub(crate) quantity: u64,
    pub(crate) unit_price: Usd,
    /// How many the price is for.
    pub(crate) per: u64,
}
