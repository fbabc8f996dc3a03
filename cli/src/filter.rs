//! Which entries are asked for: what was typed, understood once.

use anyhow::{Context, bail};
use clap::ValueEnum;
use tracing_llm_audit::{
    Timestamp,
    entry::{Entry, Kind, schema::key},
};

use crate::{
    args,
    time::{self, Bound},
};

/// Says of each entry whether it is wanted.
pub(crate) struct Filter {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    users: Vec<String>,
    statuses: Vec<String>,
    models: Vec<String>,
    /// None where every kind is wanted.
    kinds: Option<Vec<Kind>>,
}

impl Filter {
    /// Understands the arguments.
    pub(crate) fn new(args: &args::Cat, now: Timestamp) -> anyhow::Result<Self> {
        let bound = |text: &Option<String>, bound| {
            let parsed = text.as_ref().map(|text| time::parse(text, bound, now));
            parsed.transpose()
        };
        let statuses = args.status.iter().filter_map(ValueEnum::to_possible_value);
        Ok(Self {
            since: bound(&args.since, Bound::Since)?,
            until: bound(&args.until, Bound::Until)?,
            users: args.user.clone(),
            statuses: statuses.map(|word| word.get_name().to_owned()).collect(),
            models: args.model.clone(),
            kinds: kinds(&args.kind)?,
        })
    }

    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Says whether the entry is wanted.
    pub(crate) fn wants(&self, entry: &Entry<'_>) -> bool {
        let kind = entry.position().kind;
        self.kinds
            .as_ref()
            .is_none_or(|kinds| kinds.contains(&kind))
            && self.is_in_time(entry)
            && is_one_of(&self.users, entry, key::USER_ID)
            && is_one_of(&self.statuses, entry, key::STATUS)
            && is_one_of(&self.models, entry, key::MODEL)
    }

    fn is_in_time(&self, entry: &Entry<'_>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let time = entry
            .text(key::TIMESTAMP)
            .and_then(|text| Timestamp::parse(&text));
        time.is_some_and(|time| {
            self.since.is_none_or(|since| since <= time)
                && self.until.is_none_or(|until| time < until)
        })
    }
}

fn is_one_of(wanted: &[String], entry: &Entry<'_>, key: &str) -> bool {
    wanted.is_empty() || entry.text(key).is_some_and(|text| wanted.contains(&text))
}

fn kinds(words: &[String]) -> anyhow::Result<Option<Vec<Kind>>> {
    if words.iter().any(|word| word == "all") {
        return Ok(None);
    }
    let parse =
        |word: &String| Kind::parse(word).with_context(|| format!("`{word}` is no kind of entry"));
    let kinds: Vec<Kind> = words.iter().map(parse).collect::<anyhow::Result<_>>()?;
    if kinds.is_empty() {
        bail!("no kind of entry is asked for");
    }
    Ok(Some(kinds))
}
