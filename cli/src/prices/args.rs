//! What is typed after `llm-audit prices`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::terminal::Color;

/// Shows the price table: what it knows, which entry prices a model and by which rule, what a call would cost.
///
/// One word that is a known model's name shows its entry. Otherwise the entries are listed whose provider and id have
/// all of the words; without words, all entries.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A model's name, or words to filter by.
    #[arg(value_name = "WORD")]
    pub(super) words: Vec<String>,

    /// Only this provider's; who serves the model.
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,

    /// The host that is asked, where it tells the provider or was negotiated with.
    #[arg(long, value_name = "HOST")]
    pub(super) host: Option<String>,

    /// The tenant, for whom the table may have prices of its own.
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: Option<String>,

    /// When the call is made: `2026-11-22`, RFC 3339, `7d` ago; UTC. Without it, now.
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<String>,

    /// A price table that comes before the embedded one.
    #[arg(long, value_name = "FILE")]
    pub(super) prices: Option<PathBuf>,

    /// List entries, also where the word is a model's name.
    #[arg(long)]
    pub(super) list: bool,

    #[command(flatten)]
    pub(super) call: Call,

    /// How to show it: in csv, each price is a row.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: Format,

    /// Colours: on a terminal (unless `NO_COLOR` is set), always, or never.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

/// A call to compute the cost of.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "What a call would cost")]
pub(super) struct Call {
    /// All input tokens, those read from and written to a cache included.
    #[arg(long, value_name = "N")]
    pub(super) input_tokens: Option<u64>,

    /// All output tokens, thinking included.
    #[arg(long, value_name = "N")]
    pub(super) output_tokens: Option<u64>,

    /// Of the output, those that were thinking.
    #[arg(long, value_name = "N")]
    pub(super) thinking_tokens: Option<u64>,

    /// Of the input, those read from a cache.
    #[arg(long, value_name = "N")]
    pub(super) cache_read_tokens: Option<u64>,

    /// Of the input, those written to a cache.
    #[arg(long, value_name = "N")]
    pub(super) cache_write_tokens: Option<u64>,

    /// Of those written, the ones that are kept for an hour.
    #[arg(long, value_name = "N")]
    pub(super) cache_write_1h_tokens: Option<u64>,

    /// Searches that the provider ran.
    #[arg(long, value_name = "N")]
    pub(super) web_searches: Option<u64>,

    /// The service tier: `batch`, `priority`, `flex`, ...
    #[arg(long, value_name = "WORD")]
    pub(super) tier: Option<String>,

    /// The speed: `fast`.
    #[arg(long, value_name = "WORD")]
    pub(super) speed: Option<String>,

    /// The region that the provider is bound to: `us`, `eu`.
    #[arg(long, value_name = "WORD")]
    pub(super) geo: Option<String>,
}

impl Call {
    /// Says whether a cost is asked for.
    pub(super) fn is_asked(&self) -> bool {
        let counts = [
            self.input_tokens,
            self.output_tokens,
            self.thinking_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
            self.cache_write_1h_tokens,
            self.web_searches,
        ];
        counts.iter().any(Option::is_some)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Csv,
}

const EXAMPLES: &str = "\
Prices are dollars: of `_mtok` for a million tokens, of `_kcount` for a thousand. A price that starts after the table's
own date is a forecast, which is shown and never applied.

Examples:
  llm-audit prices sonnet --provider anthropic
  llm-audit prices claude-sonnet-4-5
  llm-audit prices gpt-5 --provider openai --tier flex --input-tokens 12000 --output-tokens 800
  llm-audit prices claude-opus-4-8 --tenant acme --prices contracts.json --format json
  llm-audit prices --format csv > prices.csv";
