//! The table of keys held against the format document, and against what the codec does.

use std::collections::BTreeSet;

use super::{Class, FACT_RANK, KEYS, Key, SEED_KEYS, Type, place};

const FORMAT: &str = include_str!("../../format.md");

/// A table as the format document has it, short.
const SAMPLE: &str = "\
| keys, in order | class |
|---|---|
| `request_id` (UUIDv7), `timestamp` (RFC 3339; `Z`) | meta |
| `user_id` | actor |
| `model` (response model), `action` (the method: `messages.create`; else `gen_ai.operation.name`) | meta |
| `system_prompt_hash` | hash |
| `input_tokens`, `output_tokens`, `thinking_tokens`, `latency_ms`, `cost_usd`, `status` | meta |
| `error_message` (`\"\"` when none) | error |
| `sanitization_count` | meta |
| `input_hash`, `output_hash` (`<alg>:<hex>`) | hash |
| `metadata` (object or null) | actor |
| further facts, e.g. `provider`, `sanitization` (type, `*`), `capture`; keys that this table does not have | meta |
| `conversation_id`, `tenant_id`, `client_address` | actor |
| `system_prompt`, `input`, `output`: only when configured | content |
| `audit`: `{\"v\":1}`, no other member; a reader takes an entry without `mac` too | envelope |
";

/// The keys that a text lists in backticks, up to a colon; what stands in parentheses explains and is no key.
fn listed(text: &str) -> Vec<&str> {
    let (mut found, mut depth) = (Vec::new(), 0_usize);
    for (number, part) in text.split('`').enumerate() {
        let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
        if number % 2 == 1 {
            let is_key = depth == 0 && part.bytes().all(is_name) && !part.ends_with('.');
            found.extend(is_key.then_some(part));
            continue;
        }
        for letter in part.chars() {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                ':' if depth == 0 => return found,
                _ => {}
            }
        }
    }
    found
}

/// The keys that the document lists in the order of the line, each with the word for its class.
fn documented(document: &str) -> Vec<(&str, &str)> {
    let (_, table) = document
        .split_once("| keys, in order | class |\n")
        .expect("the table of keys and classes");
    let rows = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(1);
    rows.flat_map(|row| {
        let row = row.trim_end().trim_matches('|');
        let (keys, class) = row.rsplit_once('|').expect("two cells");
        listed(keys).into_iter().map(move |key| (key, class.trim()))
    })
    .collect()
}

/// Says where the document and the schema differ, the first place only.
fn difference(document: &str) -> Option<String> {
    let documented = documented(document);
    let mut last: Option<u8> = None;
    for (name, class) in &documented {
        let Some(key) = Key::of_name(name) else {
            return Some(format!("`{name}` is in the document alone"));
        };
        let follows = |last| key.rank > last || key.rank == last && last == FACT_RANK;
        if !last.is_none_or(follows) {
            return Some(format!("`{name}` stands elsewhere"));
        }
        last = Some(key.rank);
        let own_class = match *name {
            "audit" => "envelope".to_owned(),
            _ => key.class.to_string(),
        };
        if own_class != *class {
            return Some(format!("`{name}` is {own_class} here and {class} there"));
        }
    }
    let names: BTreeSet<&str> = documented.iter().map(|(name, _)| *name).collect();
    let ordered = KEYS.iter().filter(|key| key.rank != FACT_RANK);
    let missing = ordered
        .map(|key| key.name)
        .find(|name| !names.contains(name));
    missing.map(|name| format!("`{name}` is in the schema alone"))
}

/// Names, order and classes were written down in the codec, in the command and in the document, and nothing compared them.
#[test]
fn the_schema_is_the_documents_table() {
    assert_eq!(difference(FORMAT), None);
}

#[test]
fn a_difference_from_the_document_is_seen() {
    assert_eq!(difference(SAMPLE), None);
    for (from, to, expected) in [
        (
            "| `user_id` | actor |",
            "| `user_id` | meta |",
            "`user_id` is actor here and meta there",
        ),
        (
            "`input_tokens`, `output_tokens`",
            "`output_tokens`, `input_tokens`",
            "`input_tokens` stands elsewhere",
        ),
        ("`cost_usd`, ", "", "`cost_usd` is in the schema alone"),
        (
            "`cost_usd`",
            "`cost_eur`",
            "`cost_eur` is in the document alone",
        ),
        (
            "`capture`",
            "`tenant_id`",
            "`tenant_id` is actor here and meta there",
        ),
    ] {
        let changed = SAMPLE.replacen(from, to, 1);
        assert_eq!(
            difference(&changed).as_deref(),
            Some(expected),
            "{from} -> {to}"
        );
    }
}

/// The codec looks a key up by other code than the table's: a fact in the table with another class than its prefix's
/// would be hashed with one class and erased with another.
#[test]
fn the_codec_places_every_key_as_the_table_says() {
    let mut names = BTreeSet::new();
    for key in KEYS {
        let place = place(key.name);
        assert_eq!(
            (place.rank, place.class),
            (key.rank, key.class),
            "{}",
            key.name
        );
        assert!(names.insert(key.name), "{} stands twice", key.name);
    }
    assert!(KEYS.is_sorted_by_key(|key| key.rank));
    assert_eq!(place("hash.of_a_later_version").class, Class::Hash);
    assert_eq!(place("anything").rank, FACT_RANK);
}

#[test]
fn every_record_has_seventeen_keys_and_those_of_a_removable_class_can_be_null() {
    assert_eq!(SEED_KEYS.len(), 17);
    for key in KEYS {
        assert_eq!(key.is_seed(), SEED_KEYS.contains(key));
        if key.is_seed() && key.class != Class::Meta {
            assert!(
                key.is_nullable,
                "{} is null once its class is gone",
                key.name
            );
        }
    }
    let of = |name| Key::of_name(name).map(|key| key.value);
    assert_eq!(of("cost_usd"), Some(Type::Decimal));
    assert_eq!(of("input_tokens"), Some(Type::Unsigned));
    assert_eq!(of("timestamp"), Some(Type::Timestamp));
    assert_eq!(of("a host's own"), None);
}
