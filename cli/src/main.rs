//! The command `llm-audit`: looks into a journal's directory. It only reads, and needs nothing running.
//!
//! Promise: data goes to standard output, talk to standard error; a damaged line is shown as a finding and stops
//! nothing; a reader that goes away (`| head`) is no error.

mod alive;
mod args;
mod cat;
mod exit;
mod filter;
mod finding;
mod journal;
mod prices;
mod print;
mod redact;
mod row;
mod status;
mod terminal;
mod time;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(told) => return exit::of_usage(&told).into(),
    };
    let result = match args.command {
        Command::Cat(args) => cat::run(&args),
        Command::Redact(args) => redact::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Usage(args) => usage::run(&args),
        Command::Prices(args) => prices::run(&args),
    };
    result.unwrap_or_else(|error| exit::of_error(&error)).into()
}
