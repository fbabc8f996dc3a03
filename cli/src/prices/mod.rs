//! `llm-audit prices`: what the price table knows, and what a call would cost.
//!
//! Promise: the same look-up and the same sum as a record's; every amount is printed exactly.
//! Not here: prices (the library).

mod args;
mod csv;
mod json;
mod table;

use std::{
    fs,
    io::{self, BufWriter, Write},
};

use anyhow::Context;
pub(crate) use args::Args;
use args::{Call, Format};
use tracing_llm_audit::{
    Clock, PriceEntry, PriceQuery, PriceQuote, PriceTable, SystemClock, Timestamp, Usage,
};

use crate::{
    exit::Exit,
    terminal::Style,
    time::{self, Bound},
};

/// What there is to show.
enum Found {
    /// The entry that prices a model, and a call's cost where one was asked for.
    Entry(Box<PriceEntry>, Option<PriceQuote>),
    List(Vec<PriceEntry>),
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let now = SystemClock::default().now();
    let at = match &args.at {
        Some(text) => time::parse(text, Bound::Since, now),
        None => Ok(now),
    };
    let at = match at {
        Ok(at) => at,
        Err(error) => return complain(&format!("{error:#}"), "llm-audit prices --help"),
    };
    let prices = table_of(args, now)?;
    let found = find(args, &prices, at);
    if args.call.is_asked() && matches!(found, Found::List(_)) {
        let [model] = args.words.as_slice() else {
            let hint = "name the model as the provider does: llm-audit prices MODEL";
            return complain("a cost is of one model", hint);
        };
        let note = "calls of an unknown model have no cost";
        writeln!(
            io::stderr(),
            "note: `{model}` is no model that the table knows there; {note}"
        )?;
        return Ok(Exit::NothingFound);
    }
    show(args, &found)
}

fn complain(what: &str, hint: &str) -> anyhow::Result<Exit> {
    writeln!(io::stderr(), "error: {what}\nhint: {hint}")?;
    Ok(Exit::Usage)
}

fn table_of(args: &Args, now: Timestamp) -> anyhow::Result<PriceTable> {
    let embedded = PriceTable::embedded();
    let Some(path) = &args.prices else {
        return Ok(embedded);
    };
    let doing = || format!("cannot read the price table {}", path.display());
    let bytes = fs::read(path).with_context(doing)?;
    let own = PriceTable::from_json(&bytes, now).with_context(doing)?;
    Ok(own.over(embedded))
}

fn find(args: &Args, prices: &PriceTable, at: Timestamp) -> Found {
    if let [model] = args.words.as_slice()
        && !args.list
    {
        let query = query(args, model, at);
        if let Some(entry) = prices.look_up(&query) {
            let asked = args.call.is_asked().then(|| usage(&args.call));
            let quote = asked.and_then(|usage| prices.quote(&query, &usage));
            return Found::Entry(Box::new(entry), quote);
        }
    }
    let entries = prices.entries(at);
    Found::List(entries.filter(|entry| is_wanted(args, entry)).collect())
}

fn query(args: &Args, model: &str, at: Timestamp) -> PriceQuery {
    type Tell = fn(PriceQuery, String) -> PriceQuery;
    let told: [(&Option<String>, Tell); 6] = [
        (&args.provider, PriceQuery::provider),
        (&args.host, PriceQuery::host),
        (&args.tenant, PriceQuery::tenant),
        (&args.call.tier, PriceQuery::service_tier),
        (&args.call.speed, PriceQuery::speed),
        (&args.call.geo, PriceQuery::geo),
    ];
    let mut query = PriceQuery::new(model, at);
    for (text, tell) in told {
        if let Some(text) = text {
            query = tell(query, text.clone());
        }
    }
    query
}

/// The counts that were typed; a call without input or output had none.
fn usage(call: &Call) -> Usage {
    let mut usage = Usage::default();
    for (count, typed) in [
        (&mut usage.input_tokens, call.input_tokens.or(Some(0))),
        (&mut usage.output_tokens, call.output_tokens.or(Some(0))),
        (&mut usage.thinking_tokens, call.thinking_tokens),
        (&mut usage.cache_read_tokens, call.cache_read_tokens),
        (&mut usage.cache_write_tokens, call.cache_write_tokens),
        (&mut usage.cache_write_1h_tokens, call.cache_write_1h_tokens),
        (&mut usage.web_searches, call.web_searches),
    ] {
        *count = typed;
    }
    usage
}

fn is_wanted(args: &Args, entry: &PriceEntry) -> bool {
    let is_of = |name: &String| entry.provider.eq_ignore_ascii_case(name);
    let text = format!("{} {}", entry.provider, entry.model).to_ascii_lowercase();
    let mut words = args.words.iter();
    args.provider.as_ref().is_none_or(is_of)
        && words.all(|word| text.contains(&word.to_ascii_lowercase()))
}

fn show(args: &Args, found: &Found) -> anyhow::Result<Exit> {
    if matches!(found, Found::List(entries) if entries.is_empty()) {
        let note = "no such entry; calls of an unknown model have no cost";
        writeln!(io::stderr(), "note: {note}")?;
        return Ok(Exit::NothingFound);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let style = Style::of_stdout(args.color);
    match (args.format, found) {
        (Format::Json, found) => json::write(&mut out, found)?,
        (Format::Csv, Found::Entry(entry, _)) => csv::write(&mut out, std::slice::from_ref(entry))?,
        (Format::Csv, Found::List(entries)) => csv::write(&mut out, entries)?,
        (Format::Table, Found::Entry(entry, quote)) => {
            table::entry(&mut out, entry, quote.as_ref(), style)?;
        }
        (Format::Table, Found::List(entries)) => table::list(&mut out, entries, style)?,
    }
    out.flush()?;
    let is_unknown = matches!(found, Found::Entry(_, Some(quote)) if quote.usd.is_none());
    Ok(if is_unknown {
        Exit::NothingFound
    } else {
        Exit::Found
    })
}
