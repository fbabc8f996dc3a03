//! What is typed after `llm-audit usage`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::names;
use crate::terminal::Color;

/// Explains a bill: what a provider's response says, and what the audit's record of it would say and cost.
///
/// RESPONSE is the body as received: JSON, SSE, NDJSON or an AWS event stream (binary, or its base64 text); its
/// content tells which. `-` is standard input. Nothing is sent anywhere.
#[derive(Debug, ClapArgs)]
#[command(after_help = names::help())]
pub(crate) struct Args {
    /// The response's body.
    #[arg(value_name = "RESPONSE")]
    pub(super) response: PathBuf,

    /// Who answered: prices go by it. Without it, the host tells, or the flavour.
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,

    /// The API's flavour, as listed below. Without it, path or content tell.
    #[arg(long, value_name = "FLAVOUR")]
    pub(super) api: Option<String>,

    /// The HTTP status. Without it, an error is known by its body alone.
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..600))]
    pub(super) status: Option<u16>,

    /// When the request started, which decides the prices: `2026-11-22`, RFC 3339, `7d` ago; UTC. Without it, now.
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<String>,

    /// The request's body: JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) request: Option<PathBuf>,

    /// The model that was asked for, where the request does not say it (Gemini, Bedrock, Azure).
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<String>,

    /// The host that was asked.
    #[arg(long, value_name = "HOST")]
    pub(super) host: Option<String>,

    /// The request's path: it names the flavour, and the model where the body does not.
    #[arg(long, value_name = "PATH")]
    pub(super) path: Option<String>,

    /// A header of the response, such as `x-amzn-errortype: ThrottlingException`; may be repeated.
    #[arg(long, value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,

    /// The tenant, for whom the price table may have prices of its own.
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: Option<String>,

    /// The connection broke: what is missing at the end was never sent.
    #[arg(long)]
    pub(super) cut: bool,

    /// A price table that comes before the embedded one.
    #[arg(long, value_name = "FILE")]
    pub(super) prices: Option<PathBuf>,

    /// How to show it: `json` is one object, `table` a bill.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub(super) format: Format,

    /// Colours of the bill: on a terminal (unless `NO_COLOR` is set), always, or never.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Json,
    Table,
}
