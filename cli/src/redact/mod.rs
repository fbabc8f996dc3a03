//! `llm-audit redact`: takes personal data and credentials out of a text, and says where they were.
//!
//! Promise: the text on standard output, one JSON array on standard error and nothing else there; bytes that are no
//! UTF-8 go through as they are; the values that were found are in neither.
//! Not here: what is found (`tracing_llm_audit::sanitize`).

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;
use tracing_llm_audit::sanitize::{Action, Builtin, Findings, Redactor};

use crate::exit::{Exit, Hinted};

/// Takes personal data and credentials out of a text, and says where they were.
///
/// The redacted text goes to standard output; standard error has `[{"type","start","end"},...]`, byte offsets into the input.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The text; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Only these types, separated by commas: `pem`, `jwt`, `api_key`, `email`, `iban`, `credit_card`, `ip_address`,
    /// `national_id`, `phone`.
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kind)]
    types: Vec<Builtin>,

    /// What stands for what was found.
    #[arg(long, value_name = "ACTION", default_value = "redact")]
    action: ActionWord,

    /// The input is a JSON text: its strings are looked at, and findings have a `pointer`, offsets within that string.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  llm-audit redact prompt.txt > clean.txt 2> findings.json
  llm-audit redact --types email,phone --action mask - < ticket.txt
  llm-audit redact --json request.json 2>&1 >/dev/null | jq -c '.[]'

National ids are those of the United States and some fifty other countries and territories.
Exit status: 0 done, also where nothing was found; 3 could not run; 64 wrong usage.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ActionWord {
    /// Its type: `[redacted:email]`.
    Redact,
    /// Stars, but the last four places of cards, accounts and telephones.
    Mask,
    /// The text as it is: only say where.
    Keep,
}

fn kind(word: &str) -> Result<Builtin, String> {
    Builtin::named(word).ok_or_else(|| "no such type".to_owned())
}

/// What is said of one finding.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    start: usize,
    end: usize,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let input = read(&args.file)?;
    let redactor = redactor(args);
    let mut lines = Vec::new();
    let out = if args.json {
        let redacted = redactor.json(&input).map_err(|error| Hinted {
            what: format!("{}: {error}", args.file.display()),
            hint: "without --json it is taken as a text",
        })?;
        write_lines(&mut lines, &redacted.findings, 0, true);
        redacted.json
    } else {
        text(&redactor, &input, &mut lines)
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(&out).and_then(|()| stdout.flush())?;
    writeln!(io::stderr(), "[{}]", lines.join(","))?;
    Ok(Exit::Found)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut input = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin()
            .lock()
            .read_to_end(&mut input)
            .context("reading standard input")?;
        return Ok(input);
    }
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

fn redactor(args: &Args) -> Redactor {
    let action = match args.action {
        ActionWord::Redact => Action::Redact,
        ActionWord::Mask => Action::Mask,
        ActionWord::Keep => Action::Keep,
    };
    let builder = Redactor::builder().otherwise(action);
    if args.types.is_empty() {
        builder.build()
    } else {
        builder.builtins(args.types.iter().copied()).build()
    }
}

/// Redacts what is UTF-8 and passes through what is not.
fn text(redactor: &Redactor, input: &[u8], lines: &mut Vec<String>) -> Vec<u8> {
    let (mut out, mut offset) = (Vec::with_capacity(input.len()), 0);
    for chunk in input.utf8_chunks() {
        let redacted = redactor.text(chunk.valid());
        write_lines(lines, &redacted.findings, offset, false);
        out.extend_from_slice(redacted.text.as_bytes());
        out.extend_from_slice(chunk.invalid());
        offset += chunk.valid().len() + chunk.invalid().len();
    }
    out
}

fn write_lines(lines: &mut Vec<String>, findings: &Findings, offset: usize, has_pointer: bool) {
    for finding in findings.iter() {
        let line = Line {
            r#type: &finding.kind,
            pointer: has_pointer.then_some(&finding.pointer),
            start: offset + finding.place.start,
            end: offset + finding.place.end,
        };
        lines.push(serde_json::to_string(&line).expect("words and numbers are JSON"));
    }
}
