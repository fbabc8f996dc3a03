//! What holds for every text: no panic, places between characters, nothing found twice, time in proportion.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Pieces of what the detectors look for, and of what breaks them.
const PIECES: [&str; 60] = [
    "@",
    ".",
    "-",
    "+",
    "(",
    ")",
    " ",
    "\n",
    "\\n",
    "/",
    ":",
    "::",
    "=",
    "\"",
    "'",
    "%40",
    "%",
    "[at]",
    " (dot) ",
    "0",
    "1",
    "4111",
    "1111 ",
    "555-",
    "+49 ",
    "(0)",
    "0049",
    "DE89",
    "3704 0044 ",
    "com",
    "example",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJ",
    ".",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "-----",
    "MIIEvQIBADANBgkq",
    "sk-",
    "AKIA",
    "api_key=",
    "Bearer ",
    "abc123DEF456ghi7",
    "xoxb-",
    "192.168.1.1",
    "fe80",
    "§ ",
    "version ",
    "身份证",
    "电话",
    "é",
    "１２３",
    "\u{a0}",
    "\u{2011}",
    "\u{301}",
    "🙂",
    "123-45-6789",
    "AB123456C",
    "X",
    "_",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 3_000 } else { 100_000 }))]

    #[test]
    fn places_lie_between_characters_in_order(text in texts()) {
        let redacted = Redactor::default().text(&text);
        let mut from = 0;
        for finding in redacted.findings.iter() {
            prop_assert!(finding.place.start >= from && !finding.place.is_empty());
            prop_assert!(text.get(finding.place.clone()).is_some());
            from = finding.place.end;
        }
        prop_assert_eq!(redacted.findings.is_empty(), redacted.text == text.as_str());
    }

    #[test]
    fn a_json_string_is_redacted_like_its_text(text in texts()) {
        let json = serde_json::to_vec(&[&text]).unwrap();
        let redactor = Redactor::default();
        let redacted = redactor.json(&json).unwrap();
        let back: Vec<String> = serde_json::from_slice(&redacted.json).unwrap();
        prop_assert_eq!(&back[0], &redactor.text(&text).text.into_owned());
    }
}

/// A name in another script before a space and a value was cut inside a letter once, and panicked.
#[test]
fn a_word_of_three_bytes_before_a_value_is_no_scheme() {
    let text = "身份证 511827200608168065 and 身份证 abcdefgh12345678ABCD";
    assert_eq!(Redactor::default().text(text).findings.len(), 1);
}

/// Each is a detector's worst: what begins everywhere and ends nowhere.
const FLOODS: [&str; 38] = [
    "@",
    "a@",
    "a@b.",
    "a.b@",
    "\"@",
    "1",
    "1 ",
    "1-",
    "1.",
    "0 ",
    "12 ",
    "+1",
    "(1",
    "1)",
    "00",
    "4111 ",
    "4111 1111 1111 1111 ",
    "a:",
    ":",
    "::",
    "f::",
    "1.1.",
    "1.1.1.1.",
    "eyJ",
    "eyJ.",
    "-----BEGIN A-----",
    "-----",
    "AA",
    "DE89 ",
    "sk-",
    "a=",
    "api_key=a",
    "Bearer ",
    "[at",
    "a1",
    "1a ",
    "0 12-",
    " =",
];

/// Two mebibytes may take no more than some three times what one takes.
#[test]
fn no_flood_takes_more_than_its_length() {
    let redactor = Redactor::default();
    let bytes = if cfg!(debug_assertions) {
        4 << 10
    } else {
        1 << 20
    };
    let spent = |text: &str| {
        let began = Instant::now();
        let _ = redactor.text(text);
        began.elapsed()
    };
    for flood in FLOODS {
        let once = flood.repeat(bytes / flood.len());
        let twice = once.repeat(2);
        let shortest = |text: &str| (0..3).map(|_| spent(text)).min().unwrap();
        let (once, twice) = (shortest(&once), shortest(&twice));
        let most = once * 4 + Duration::from_millis(20);
        assert!(twice < most, "{flood:?}: {once:?}, then {twice:?}");
        let a_second_for = Duration::from_secs(5);
        assert!(twice < a_second_for, "{flood:?}: {twice:?}");
    }
}

#[test]
fn a_body_keeps_all_but_its_values() {
    let body = r#" {"model":"a@b.example","max_tokens":1e3, "messages":[{"role":"user","content":[{"type":"text","text":"I am jo@example.com\n"},{"type":"image","source":{"type":"base64","data":"QUJD"}}]},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","input":{"jo@example.com":{"id":"10.0.0.1"}}}]}],"n":4111111111111111}"#;
    let redacted = Redactor::default().json(body.as_bytes()).unwrap();
    let expected = body
        .replace("I am jo@example.com", "I am [redacted:email]")
        .replace("\"jo@example.com\":{", "\"[redacted:email]\":{")
        .replace("10.0.0.1", "[redacted:ip_address]");
    assert_eq!(String::from_utf8(redacted.json).unwrap(), expected);
    let places: Vec<String> = redacted
        .findings
        .iter()
        .map(|one| format!("{} {}", one.kind, one.pointer))
        .collect();
    assert_eq!(
        places,
        [
            "email /messages/0/content/0/text",
            "email /messages/1/content/0/input/*",
            "ip_address /messages/1/content/0/input/*/id"
        ]
    );
}

#[test]
fn names_that_become_one_are_told_apart() {
    let body = br#"{"a@example.com":1,"b@example.com":2}"#;
    let redacted = Redactor::default().json(body).unwrap();
    let expected = r#"{"[redacted:email]":1,"[redacted:email]#2":2}"#;
    assert_eq!(String::from_utf8(redacted.json).unwrap(), expected);
}

#[test]
fn encoded_pictures_are_left_alone() {
    let picture = format!(
        "data:image/png;base64,{}",
        "AKIAIOSFODNN7EXAMPLE/4111111111111111/".repeat(20)
    );
    let body =
        serde_json::to_vec(&serde_json::json!([{"image_url": {"url": picture}}, picture])).unwrap();
    let redacted = Redactor::default().json(&body).unwrap();
    assert!(redacted.findings.is_empty());
    assert_eq!(redacted.json, body);
}

#[test]
fn each_action_does_what_it_says() {
    let text = "jo@example.com, 4111 1111 1111 1111, jo@example.com";
    let with = |action| {
        Redactor::builder()
            .otherwise(action)
            .digest_key(*b"key")
            .build()
            .text(text)
    };
    assert_eq!(
        with(Action::Redact).text,
        "[redacted:email], [redacted:credit_card], [redacted:email]"
    );
    assert_eq!(
        with(Action::Mask).text,
        "**@*******.***, **** **** **** 1111, **@*******.***"
    );
    assert_eq!(with(Action::Keep).text, text);
    let digested = with(Action::Digest).text.into_owned();
    let parts: Vec<&str> = digested.split(", ").collect();
    assert!(parts[0].starts_with("[email:") && parts[0] == parts[2] && parts[0].len() == 20);
    assert_ne!(
        parts[0],
        Redactor::builder()
            .otherwise(Action::Digest)
            .build()
            .text("jo@example.com")
            .text
    );
    let blocked = Redactor::builder()
        .action("credit_card", Action::Block)
        .build()
        .text(text)
        .findings;
    assert_eq!(blocked.blocked().as_deref(), Some("sanitize.credit_card"));
    assert!(with(Action::Redact).findings.blocked().is_none());
}

#[test]
fn what_is_allowed_stays_and_no_value_is_shown() {
    let redactor = Redactor::builder().allow("Support@example.com").build();
    let redacted = redactor.text("support@example.com or jo@example.com");
    assert_eq!(redacted.text, "support@example.com or [redacted:email]");
    let shown = format!("{redacted:?} {redactor:?} {:?}", redacted.findings.events());
    assert!(!shown.contains("example.com"), "{shown}");
}

#[test]
fn events_count_by_type_and_place() {
    let body = br#"{"messages":[{"content":"a@example.com b@example.com 10.0.0.1"},{"content":"c@example.com"}]}"#;
    let findings = Redactor::default().json(body).unwrap().findings;
    let events: Vec<String> = findings
        .events()
        .iter()
        .map(|event| {
            format!(
                "{} {} {} {}",
                event.kind, event.count, event.pointer, event.action
            )
        })
        .collect();
    assert_eq!(
        events,
        [
            "email 2 /messages/0/content redacted",
            "ip_address 1 /messages/0/content redacted",
            "email 1 /messages/1/content redacted"
        ]
    );
}

/// Once in some 280 keys a digest was twelve decimal digits, and `[phone:699068924442]` a telephone again.
#[test]
fn redacted_text_has_nothing_left() {
    let text = "jo@example.com, +49 30 901820, DE89370400440532013000, 10.0.0.1, 123-45-6789, AKIAIOSFODNN7EXAMPLE";
    let digests = (0_u16..200).map(|key| (Action::Digest, key));
    for (action, key) in digests.chain([(Action::Redact, 0)]) {
        let builder = Redactor::builder().digest_key(key.to_be_bytes().repeat(16));
        let redactor = builder.otherwise(action).build();
        let once = redactor.text(text);
        assert_eq!(once.findings.len(), 6);
        assert!(
            redactor.text(&once.text).findings.is_empty(),
            "{}",
            once.text
        );
    }
}
