//! A moment of fuzzing with what the recordings say: the same on every run.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use super::{TARGETS, mutate::Mutator};
use crate::flavour::Flavour;

/// Mutations of each target in a full campaign; a gate tries a part of them.
const FULL: u64 = 20_000;
/// Larger recordings take long and say nothing new.
const SEED_BYTES_MAX: usize = 8 << 10;

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test runs is no behaviour"
)]
fn count() -> u64 {
    match std::env::var("LLM_AUDIT_CAMPAIGN") {
        Ok(size) if size == "full" => FULL,
        _ => FULL / 20,
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(folder(path)).expect("recorded")
}

/// Recorded bodies and requests: those of the flavour, or all.
fn recorded(flavour: Option<Flavour>, key: &str) -> Vec<Vec<u8>> {
    let traffic = "tests/testdata/provider-traffic";
    let index: Value =
        serde_json::from_slice(&file(&format!("{traffic}/index.json"))).expect("index");
    let entries = index["fixtures"].as_array().expect("list").iter();
    let wanted = entries.filter(|entry| {
        let api = entry["api"].as_str().expect("api");
        flavour.is_none() || Flavour::named(api) == flavour
    });
    let bodies = wanted.filter_map(|entry| {
        let name = entry[key].as_str()?;
        let body = file(&format!("{traffic}/{name}"));
        if std::path::Path::new(name).extension() != Some("b64".as_ref()) {
            return Some(body);
        }
        let text = body.into_iter().filter(|byte| !byte.is_ascii_whitespace());
        BASE64_STANDARD.decode(text.collect::<Vec<u8>>()).ok()
    });
    bodies.filter(|body| body.len() <= SEED_BYTES_MAX).collect()
}

/// What a target begins with.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let plain = name.replace('_', "");
    let flavour = Flavour::ALL
        .into_iter()
        .find(|flavour| format!("{flavour:?}").to_lowercase() == plain);
    match name {
        "request" => recorded(None, "request_file"),
        "sanitize" => [
            "I am jo@example.com, +44 20 7946 0958, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00",
            "SSN 078-05-1120, 10.0.0.1, 2001:db8::1, sk-proj-abcdefghijklmnopqrstuvwxyz0123456789, AKIAIOSFODNN7EXAMPLE",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijklmnopqrstuvwxyz",
            "{\"a\":[\"jo@example.com\",{\"b\":\"\\u00e9 +49 30 901820\"}]}",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        "route" => [
            "api.openai.com/v1/chat/completions",
            "x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
            "bedrock-runtime.us-east-1.amazonaws.com/model/a.b%3A0/invoke-with-response-stream",
            "generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent?alt=sse",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        "entry" => {
            let journal = file("crates/journal/tests/testdata/journal-v1/audit_logs/audit_2026-11-22.jsonl");
            let lines = journal.split(|byte| *byte == b'\n');
            lines.map(<[u8]>::to_vec).filter(|line| !line.is_empty()).collect()
        }
        "price_table" => vec![
            br#"[{"id":"anthropic","name":"A","api_pattern":"x","models":[{"id":"m","match":{"or":[{"equals":"m"},{"starts_with":"claude"}]},"prices":{"input_mtok":3,"output_mtok":{"base":15,"tiers":[{"start":200,"price":22.5}]}}}]}]"#.to_vec(),
        ],
        _ => {
            let own = flavour.map(|flavour| recorded(Some(flavour), "response_file"));
            own.filter(|seeds| !seeds.is_empty())
                .unwrap_or_else(|| recorded(None, "response_file"))
        }
    }
}

/// Every recording as it is, then mutated.
fn fuzz(name: &str) {
    let (_, check) = TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("known");
    let seeds = seeds(name);
    for seed in &seeds {
        check(seed);
    }
    let number = TARGETS.iter().position(|(known, _)| *known == name);
    let mut mutator = Mutator::new(number.unwrap_or(0) as u64);
    for round in 0..count() {
        let data = mutator.next(&seeds);
        let checked = std::panic::catch_unwind(|| check(&data));
        assert!(
            checked.is_ok(),
            "{name}, round {round}: {}",
            String::from_utf8_lossy(&data)
        );
    }
}

macro_rules! moments {
    ($($name:ident)*) => {
        $(#[test] fn $name() { fuzz(stringify!($name)); })*

        #[test]
        fn every_target_has_its_moment() {
            let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

moments! {
    anthropic_messages openai_chat openai_responses openai_completions openai_embeddings gemini_generate_content
    gemini_embeddings bedrock_converse bedrock_invoke cohere_chat_v1 cohere_chat_v2 cohere_generate cohere_embed rerank
    ollama_chat ollama_generate ollama_embed models any_body sse ndjson json_array event_stream exchange request route price_table
    redact sanitize entry json
}

/// The fuzzer's package has a target for each of these, and no other.
#[test]
fn the_fuzzers_package_has_the_same_targets() {
    let manifest = String::from_utf8(file("fuzz/Cargo.toml")).expect("UTF-8");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let target = String::from_utf8(file(&format!("fuzz/fuzz_targets/{name}.rs")));
        assert!(
            target.expect("UTF-8").contains(&format!("run(\"{name}\"")),
            "{name}"
        );
    }
    let bins = manifest.matches("[[bin]]").count();
    assert_eq!(bins, TARGETS.len());
}
