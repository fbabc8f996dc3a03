//! Prints what the journal says. It reads the files as any program could: one JSON object per line.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rust_decimal::Decimal;
use serde_json::Value;

/// One line of the journal that is a record, with the text as it stands.
pub struct Record {
    line: String,
    members: Value,
}

/// The table's columns: heading, the record's key, width; numbers stand to the right.
const COLUMNS: [(&str, &str, usize); 12] = [
    ("time", "timestamp", 12),
    ("user", "user_id", 6),
    ("model", "model", 22),
    ("action", "action", 23),
    ("status", "status", 10),
    ("in", "input_tokens", 5),
    ("out", "output_tokens", 4),
    ("think", "thinking_tokens", 5),
    ("cached", "cache_read_tokens", 6),
    ("cost USD", "cost_usd", 10),
    ("request id", "request_id", 36),
    ("error", "error_message", 0),
];
const NUMBERS: std::ops::Range<usize> = 5..10;

/// Reads the records that started at or after `since`, in the order of their start.
pub fn read(directory: &Path, since: &str) -> io::Result<Vec<Record>> {
    let mut records = Vec::new();
    for path in segments(directory)? {
        for line in fs::read_to_string(path)?.lines() {
            let members: Value = serde_json::from_str(line)?;
            let is_record = members["audit"]["kind"] == "call";
            if is_record && members["timestamp"].as_str() >= Some(since) {
                let line = line.to_owned();
                records.push(Record { line, members });
            }
        }
    }
    records.sort_by_key(|record| record.text("timestamp"));
    Ok(records)
}

/// Returns the journal's files, in name order.
fn segments(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

impl Record {
    /// Returns a member's text, or `-` where it is null or not there.
    fn text(&self, key: &str) -> String {
        match &self.members[key] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn cell(&self, key: &str) -> String {
        let text = self.text(key);
        match key {
            // Only the time of day, in milliseconds.
            "timestamp" => text.chars().skip(11).take(12).collect(),
            _ => text,
        }
    }

    fn count(&self, key: &str) -> u64 {
        self.members[key].as_u64().unwrap_or(0)
    }

    /// Returns the exact cost; nothing where it is unknown.
    fn cost(&self) -> Decimal {
        let cost = &self.members["cost_usd"];
        cost.to_string().parse().unwrap_or_default()
    }
}

/// Prints one row per record.
pub fn table(out: &mut impl Write, records: &[Record]) -> io::Result<()> {
    write_row(out, &COLUMNS.map(|(heading, ..)| heading.to_owned()))?;
    for record in records {
        write_row(out, &COLUMNS.map(|(_, key, _)| record.cell(key)))?;
    }
    Ok(())
}

fn write_row(out: &mut impl Write, cells: &[String; COLUMNS.len()]) -> io::Result<()> {
    let pad = |(at, (cell, (_, _, width))): (usize, (&String, _))| {
        if NUMBERS.contains(&at) {
            format!("{cell:>width$}")
        } else {
            format!("{cell:width$}")
        }
    };
    let cells: Vec<String> = cells.iter().zip(COLUMNS).enumerate().map(pad).collect();
    writeln!(out, "{}", cells.join("  ").trim_end())
}

/// Prints what each user used, and what it cost.
pub fn totals(out: &mut impl Write, records: &[Record]) -> io::Result<()> {
    let mut users: BTreeMap<String, (u64, u64, u64, Decimal)> = BTreeMap::new();
    for record in records {
        let total = users.entry(record.text("user_id")).or_default();
        total.0 += 1;
        total.1 += record.count("input_tokens");
        total.2 += record.count("output_tokens");
        total.3 += record.cost();
    }
    for (user, (count, input, output, cost)) in users {
        let cost = cost.normalize();
        writeln!(
            out,
            "  {user}  {count:>2} records  {input:>5} tokens in  {output:>4} out  {cost} USD"
        )?;
    }
    Ok(())
}

/// Returns one line as the file has it: the one with the most to tell.
pub fn sample(records: &[Record]) -> Option<&str> {
    let most = records
        .iter()
        .max_by_key(|record| record.count("cache_read_tokens"));
    most.map(|record| record.line.as_str())
}
