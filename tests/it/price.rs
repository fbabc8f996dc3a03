//! The cost of every recorded call, against a computation apart from the library (`tests/independent_cost.py`).

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{
    recordings::{DATE, all, audited, folder},
    services::left_out,
};

/// The day of the embedded table.
const TABLE_DATE: &str = "2026-08-21";

fn independent() -> Option<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = Command::new("python3")
        .arg(root.join("tests/independent_cost.py"))
        .arg(root.join("src/price/genai_prices.json"))
        .arg(folder().join("index.json"))
        .args([DATE, TABLE_DATE])
        .output();
    let Ok(said) = said else {
        left_out("needs python3");
        return None;
    };
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    Some(serde_json::from_slice(&said.stdout).unwrap())
}

/// A member's value as the line spells it: no float comes between.
fn spelled(line: &str, key: &str) -> String {
    let start = line.find(&format!("\"{key}\":")).unwrap() + key.len() + 3;
    let rest = &line[start..];
    rest[..rest.find([',', '}']).unwrap()].to_owned()
}

#[test]
fn costs_equal_an_independent_computation_to_the_last_digit() {
    let Some(expected) = independent() else {
        return;
    };
    let recordings = all();
    let mut priced = 0;
    for (recording, record) in recordings.iter().zip(audited(&recordings)) {
        let expected = expected[&recording.id].as_str();
        assert_eq!(
            spelled(&record.line(), "cost_usd"),
            expected.unwrap_or("null"),
            "{}",
            recording.id
        );
        let pricing = record.get("pricing");
        assert_eq!(pricing["table"], "genai-prices", "{}", recording.id);
        assert!(
            pricing["version"].as_str().unwrap().starts_with(TABLE_DATE),
            "{}",
            recording.id
        );
        assert_eq!(
            pricing["prices"].as_object().unwrap().is_empty(),
            expected.is_none(),
            "{}",
            recording.id
        );
        assert!(
            expected.is_some() || pricing["reason"].is_string(),
            "{}",
            recording.id
        );
        priced += usize::from(expected.is_some());
    }
    assert_eq!(priced, 60);
}
