//! What was typed. What it means is decided in `filter` and in the commands.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use tracing_llm_audit::checkpoint::{KeyError, VerifierKey};

use crate::terminal::Color;

/// Looks into the audit journals that tracing-llm-audit writes.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit status: 0 found, 1 nothing found, 2 findings (`status`), 3 could not read everything or could
not run, 64 wrong usage.
Every command only reads, also while the journal is being written.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Cat(Cat),
    Status(Status),
    Usage(crate::usage::Args),
    Prices(crate::prices::Args),
    Redact(crate::redact::Args),
}

/// Where the journal is, and how to show it.
#[derive(Debug, ClapArgs)]
pub(crate) struct Common {
    /// The journal's directory.
    #[arg(
        long,
        value_name = "DIR",
        env = "LLM_AUDIT_DIR",
        default_value = "audit_logs"
    )]
    pub(crate) dir: PathBuf,

    /// Colours: on a terminal (unless `NO_COLOR` is set), always, or never.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// Shows the journal's records, one per line, in the order of the files.
///
/// Damaged lines are named on standard error; the rest is shown all the same.
#[derive(Debug, ClapArgs)]
#[command(after_help = CAT_EXAMPLES)]
pub(crate) struct Cat {
    #[command(flatten)]
    pub(crate) common: Common,

    /// How to show them: `jsonl` is the lines as they stand in the files.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "table",
        conflicts_with = "json"
    )]
    pub(crate) format: Format,

    /// The lines as they stand in the files: short for `--format jsonl`.
    #[arg(long)]
    pub(crate) json: bool,

    /// Only what started at TIME or later: `7d`, `2h`, `30m` ago, `2026-11-22`, `2026-11-22T10:00`, all UTC.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,

    /// Only what started before TIME; a bare date is included whole.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,

    /// Only of this user; may be repeated.
    #[arg(long, value_name = "USER")]
    pub(crate) user: Vec<String>,

    /// Only with this status; may be repeated.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Vec<StatusWord>,

    /// Only of this model, as the record names it; may be repeated.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,

    /// Entries of this kind; may be repeated. `all` is every kind, the journal's own included.
    #[arg(long, value_name = "KIND", default_value = "call")]
    pub(crate) kind: Vec<String>,

    /// At most N, the first ones.
    #[arg(long, value_name = "N", conflicts_with = "last")]
    pub(crate) limit: Option<u64>,

    /// At most N, the last ones.
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<usize>,
}

const CAT_EXAMPLES: &str = "\
Examples:
  llm-audit cat --last 20
  llm-audit cat --since 2h --status error --status blocked
  llm-audit cat --user user-1 --since 2026-11-01 --until 2026-11-30 --format csv > november.csv
  llm-audit cat --json | jq -r '[.user_id, .cost_usd] | @tsv'
  llm-audit cat --kind all --since 1d";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Jsonl,
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusWord {
    Success,
    Error,
    Blocked,
    Interrupted,
    Incomplete,
    Started,
}

/// Checks the journal: every line, chain, commitment and checkpoint; shows who writes it and what followers lack.
#[derive(Debug, ClapArgs)]
#[command(after_help = STATUS_EXAMPLES)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Check checkpoints' signatures by this key, `name+id+base64`, kept outside the journal; may be repeated.
    #[arg(long, value_name = "VKEY", value_parser = verifier_key)]
    pub(crate) key: Vec<VerifierKey>,

    /// How to show it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: StatusFormat,

    /// Short for `--format json`.
    #[arg(long)]
    pub(crate) json: bool,
}

const STATUS_EXAMPLES: &str = "\
Exit status: 0 no finding, 1 no entry, 2 findings, 3 something could not be read, 64 wrong usage.
No lock is taken, also while the journal is being written.

Examples:
  llm-audit status
  llm-audit status --key example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
  llm-audit status --dir /var/lib/app/audit_logs --json | jq .findings";

fn verifier_key(text: &str) -> Result<VerifierKey, KeyError> {
    VerifierKey::parse(text)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusFormat {
    Text,
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }
}
