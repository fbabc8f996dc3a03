//! The house's rules that no compiler keeps: headers, the direction of `use`, who spells the names of attributes and keys.

mod source;

use std::collections::BTreeSet;

use tracing_llm_audit::entry::schema::KEYS;

use self::source::{Modules, Parts, Source, Sources, uses};

/// The crates of the workspace that are shipped, each with its folder.
const CRATES: [&str; 3] = [".", "crates/journal", "cli"];
/// Those whose `lib.rs` says in which order their modules stand; the command's modules have none.
const LIBRARIES: [&str; 2] = [".", "crates/journal"];

/// Keys of a record that are names of something else, too: of Rust fields that are printed, of members of an `event`.
const AMBIGUOUS_KEYS: [&str; 3] = ["http_status", "request_id", "tool_name"];
/// Where a key's name is somebody else's word, each with whose.
const OTHERS_WORDS: [(&str, &str); 2] = [
    ("src/provider/", "members of the providers' bodies"),
    (
        "src/sanitize/",
        "members of the requests that are looked through",
    ),
];
/// Where the keys are spelled.
const SCHEMA: &str = "crates/journal/src/entry/schema.rs";

fn all_files() -> Vec<Source> {
    let files = CRATES.map(|folder| Sources::of_crate(folder).files);
    assert!(
        files.iter().all(|files| files.len() > 10),
        "a crate's sources are not found"
    );
    files.into_iter().flatten().collect()
}

/// Returns the keys of a record whose names mean nothing else: of two words or more, but for those that are ambiguous.
fn distinctive_keys() -> BTreeSet<&'static str> {
    let names = KEYS.iter().map(|key| key.name);
    let of_words = names.filter(|name| name.contains(['_', '.']));
    of_words
        .filter(|name| !AMBIGUOUS_KEYS.contains(name))
        .collect()
}

/// Returns the literals of a text that are a record's key, with their lines.
fn spelled_keys(text: &str) -> Vec<(usize, String)> {
    let keys = distinctive_keys();
    let mut literals = Parts::of(text).literals;
    literals.retain(|(_, literal)| keys.contains(literal.as_str()));
    literals
}

#[test]
fn every_file_says_what_it_is() {
    for file in all_files() {
        assert!(file.text.starts_with("//!"), "{} has no header", file.path);
    }
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let mut wrong = Vec::new();
    for folder in LIBRARIES {
        let sources = Sources::of_crate(folder);
        let modules = Modules::of_lib(&sources.lib());
        assert!(
            modules.blocks.len() > 5,
            "lib.rs is read wrongly: {:?}",
            modules.blocks
        );
        for file in sources.files.iter().filter(|file| !file.is_test()) {
            for (line, name) in modules.wrong_uses(&file.module, file.shipped()) {
                let behind = modules.behind(&name);
                wrong.push(format!(
                    "{}:{line} uses crate::{name}, of {behind}",
                    file.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_semconv_spells_attribute_names() {
    let is_other = |file: &Source| !file.path.ends_with("/semconv.rs") && !file.is_test();
    let mut wrong = Vec::new();
    for file in all_files().into_iter().filter(is_other) {
        for (line, literal) in Parts::of(file.shipped()).literals {
            if literal.starts_with("gen_ai.") {
                wrong.push(format!("{}:{line} `{literal}`", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A record's key was spelled in up to eleven files; a column that is renamed or added was forgotten in some.
#[test]
fn only_the_schema_spells_a_records_keys() {
    let mut needed = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in all_files() {
        if file.is_test() || file.path.ends_with(SCHEMA) {
            continue;
        }
        let found = spelled_keys(file.shipped());
        match OTHERS_WORDS
            .iter()
            .find(|(folder, _)| file.path.starts_with(folder))
        {
            Some((folder, _)) if !found.is_empty() => {
                needed.insert(*folder);
            }
            Some(_) => {}
            None => wrong.extend(found.into_iter().map(|(line, key)| {
                format!(
                    "{}:{line} spells `{key}`: use entry::schema::key",
                    file.path
                )
            })),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (folder, words) in OTHERS_WORDS {
        assert!(
            needed.contains(folder),
            "{folder} spells no {words} any more: drop it from the list"
        );
    }
}

#[test]
fn a_spelled_key_is_seen_in_code_alone() {
    let text = concat!(
        "//! `\"cost_usd\"`\n/* \"user_id\" /* \"user_id\" */ */\n",
        "const A: &str = \"cost_usd\"; // \"user_id\"\n",
        "fn f<'a>() { ('\"', b\"input_hash\", \"say \\\"user_id\\\"\", r#\"{\"user_id\":1}\"#, '\\'', \"user_id\") }\n",
    );
    let found = spelled_keys(text);
    let expected = [(3, "cost_usd"), (4, "input_hash"), (4, "user_id")];
    assert_eq!(found, expected.map(|(line, key)| (line, key.to_owned())));
    let keys = distinctive_keys();
    for key in ["latency_ms", "system_prompt_hash", "actor.user_email"] {
        assert!(keys.contains(key), "{key}");
    }
    for ambiguous in AMBIGUOUS_KEYS {
        assert!(
            KEYS.iter().any(|key| key.name == ambiguous),
            "{ambiguous} is no key any more"
        );
    }
}

/// Two ways past the rule: a list of imports with several names in one line, and a name that `lib.rs` re-exports.
#[test]
fn the_order_of_modules_can_be_broken_and_is_seen() {
    let text = "use crate::{\n    ack::Ack, flavour,\n    journal::{Reader, Writer}, Usage,\n};\n\
        // use crate::never;\nfn f() { crate::seal::x(\"crate::never\") }\nuse other_crate::never;\n";
    let names: Vec<String> = uses(text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["ack", "flavour", "journal", "Usage", "seal"]);

    let lib = "mod low;\n\nmod middle;\nmod beside;\n\npub mod high;\n\npub use high::{\n    Deep as Shallow, inner::Tall,\n};\npub use low::Short;\n";
    let modules = Modules::of_lib(lib);
    let wrong = |text: &str| modules.wrong_uses("middle", text);
    for allowed in [
        "use crate::low;",
        "use crate::Short;",
        "use crate::middle::x;",
        "use crate::std_like;",
    ] {
        assert_eq!(wrong(allowed), [], "{allowed}");
    }
    for forbidden in ["beside", "high", "Shallow", "Tall"] {
        let text = format!("\nuse crate::{{low, {forbidden}}};");
        assert_eq!(wrong(&text), [(2, forbidden.to_owned())]);
    }
    assert_eq!(modules.behind("Tall"), "high");
}
