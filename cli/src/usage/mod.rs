//! `llm-audit usage`: what a response says and costs, as the audit would record it.
//!
//! Promise: offline, and the judge is the one that writes records. A number is printed as exactly as it is known.
//! Not here: reading providers, prices (the library).

mod args;
mod framing;
mod json;
mod names;
mod table;

use std::{
    borrow::Cow,
    fs,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use anyhow::Context;
pub(crate) use args::Args;
use args::Format;
use tracing_llm_audit::{
    Clock, Flavour, PriceTable, SystemClock, Timestamp,
    explain::{Exchange, Explanation},
};

use crate::{
    exit::Exit,
    terminal::Style,
    time::{self, Bound},
};

/// What was typed, once it is known to mean something.
struct Meant {
    flavour: Option<Flavour>,
    at: Timestamp,
    headers: Vec<(String, String)>,
}

/// A way to tell an exchange one of its texts.
type Tell<'a> = fn(Exchange<'a>, &'a str) -> Exchange<'a>;

/// Why the command line makes no sense, and what to type instead.
struct Misspelt {
    what: String,
    hint: String,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let now = SystemClock::default().now();
    let meant = match Meant::by(args, now) {
        Ok(meant) => meant,
        Err(Misspelt { what, hint }) => {
            writeln!(io::stderr(), "error: {what}\nhint: {hint}")?;
            return Ok(Exit::Usage);
        }
    };
    let response = read(&args.response).context("cannot read the response")?;
    let request = match &args.request {
        Some(path) => Some(read(path).context("cannot read the request")?),
        None => None,
    };
    let prices = prices(args.prices.as_deref(), now)?;
    let response = framing::decoded(&response);
    let told = meant.explain(args, &response, request.as_deref(), &prices);
    show(args, &told)?;
    if says_something(&told) {
        return Ok(Exit::Found);
    }
    writeln!(
        io::stderr(),
        "note: the response says nothing that is known\nhint: --api names its flavour"
    )?;
    Ok(Exit::NothingFound)
}

fn show(args: &Args, told: &Explanation) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match args.format {
        Format::Json => json::write(&mut out, args, told)?,
        Format::Table => table::write(&mut out, args, told, Style::of_stdout(args.color))?,
    }
    out.flush()
}

impl Meant {
    fn by(args: &Args, now: Timestamp) -> Result<Self, Misspelt> {
        if let Some(meant) = args.provider.as_deref().and_then(names::meant_provider) {
            let said = args.provider.as_deref().unwrap_or_default();
            return Err(Misspelt {
                what: format!("`{said}` is no provider"),
                hint: format!("did you mean `{meant}`?"),
            });
        }
        let flavour = args.api.as_deref().map(flavour).transpose()?.flatten();
        let at = match &args.at {
            Some(text) => time::parse(text, Bound::Since, now).map_err(|error| Misspelt {
                what: format!("{error:#}"),
                hint: "llm-audit usage --help".to_owned(),
            })?,
            None => now,
        };
        let headers = args.header.iter().map(|text| header(text));
        Ok(Self {
            flavour,
            at,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }

    fn explain(
        &self,
        args: &Args,
        response: &[u8],
        request: Option<&[u8]>,
        prices: &PriceTable,
    ) -> Explanation {
        let mut exchange = Exchange::new(response).at(self.at);
        let texts: [(&Option<String>, Tell<'_>); 5] = [
            (&args.provider, Exchange::provider),
            (&args.host, Exchange::host),
            (&args.path, Exchange::path),
            (&args.model, Exchange::model),
            (&args.tenant, Exchange::tenant),
        ];
        for (text, tell) in texts {
            if let Some(text) = text {
                exchange = tell(exchange, text);
            }
        }
        if let Some(flavour) = self.flavour {
            exchange = exchange.flavour(flavour);
        }
        if let Some(status) = args.status {
            exchange = exchange.http_status(status);
        }
        if let Some(request) = request {
            exchange = exchange.request(request);
        }
        for (name, value) in &self.headers {
            exchange = exchange.header(name, value);
        }
        if args.cut {
            exchange = exchange.cut();
        }
        exchange.explain(prices)
    }
}

fn flavour(said: &str) -> Result<Option<Flavour>, Misspelt> {
    names::flavour(said).map_err(|nearest| Misspelt {
        what: format!("`{said}` is no flavour"),
        hint: match nearest {
            Some(name) => format!("did you mean `{name}`? llm-audit usage --help lists them all"),
            None => "llm-audit usage --help lists them".to_owned(),
        },
    })
}

fn header(text: &str) -> Result<(String, String), Misspelt> {
    let (name, value) = text.split_once(':').ok_or_else(|| Misspelt {
        what: format!("`{text}` is no header"),
        hint: "--header 'name: value'".to_owned(),
    })?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// Reads a file, or standard input where its name is `-`.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path).with_context(|| path.display().to_string())
}

fn prices(path: Option<&Path>, now: Timestamp) -> anyhow::Result<PriceTable> {
    let embedded = PriceTable::embedded();
    let Some(path) = path else {
        return Ok(embedded);
    };
    let bytes = read(path).context("cannot read the price table")?;
    let own = PriceTable::from_json(&bytes, now);
    let own = own.with_context(|| format!("cannot read the price table {}", path.display()))?;
    Ok(own.over(embedded))
}

/// Says whether anything at all was recognised.
fn says_something(told: &Explanation) -> bool {
    let seen = &told.seen;
    seen.flavour.is_some() && seen.is_complete
        || seen.response_model.is_some()
        || seen.response_id.is_some()
        || seen.error.is_some()
        || seen.mid_stream_error.is_some()
        || !told.record.usage.is_empty()
        || !seen.finish_reasons.is_empty()
}

/// The name of the API: as it was typed, else as it was recognised.
fn api<'a>(args: &'a Args, told: &Explanation) -> Option<Cow<'a, str>> {
    let typed = args.api.as_deref().map(Cow::Borrowed);
    typed.or_else(|| told.seen.flavour.map(|flavour| flavour.name().into()))
}
