//! Secrets in every form and context, texts without any, and hostile repetitions.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

/// Secrets of every form, each with an end that no other text has.
fn secrets() -> Vec<String> {
    let number = |at: usize| format!("{at:04}CaNaRy{at:04}xYz{at:04}Q");
    let mut secrets = Vec::new();
    for at in 0..10 {
        let body = number(at);
        secrets.extend([
            format!("sk-{body}"),
            format!("sk-ant-api03-{body}-AA"),
            format!("sk-proj-{body}_{body}"),
            format!("AIzaSy{body}{body}"),
            format!("AKIA{:016}", at * 7_919 + 1_000_003),
            format!("ghp_{body}{body}"),
            format!("github_pat_{body}_{body}"),
            format!("xoxb-{body}"),
            format!("gsk_{body}"),
            format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi{body}.{body}"),
        ]);
    }
    secrets
}

/// Secrets without a form of their own: what names them tells.
fn nameless() -> Vec<String> {
    (0..10)
        .map(|at| format!("{at:02}canary-Secret{at:02}"))
        .collect()
}

const CONTEXTS: [&str; 10] = [
    "{}",
    "provider said no to {}.",
    "Incorrect API key provided: {}. You can find your key at https://example.com/keys.",
    "{\"error\":{\"message\":\"bad key {}\",\"code\":401}}",
    "Error { kind: Request, url: \"https://api.example.com/v1?x=1&k={}\" }",
    "line one\nkey {}\nline three",
    "(`{}`)",
    "über {} größer",
    "a={}&b=2",
    "tokens: [{}, {}]",
];

const NAMED: [&str; 36] = [
    "Authorization: Bearer {}",
    "authorization: bearer {}\nhost: x",
    "AUTHORIZATION: BASIC {}",
    "Authorization: {}",
    "Proxy-Authorization: Basic {}",
    "\"authorization\": \"Bearer {}\"",
    "{\\\"authorization\\\": \\\"Bearer {}\\\"}",
    "(\"authorization\", \"Bearer {}\")",
    "headers: {\"x-api-key\": \"{}\", \"host\": \"x\"}",
    "x-api-key: {}",
    "X-API-KEY:{}",
    "api-key={}",
    "api_key = \"{}\"",
    "apiKey: Some(\"{}\")",
    "apikey => '{}'",
    "OPENAI_API_KEY={} cargo run",
    "x-goog-api-key: {}",
    "Ocp-Apim-Subscription-Key: {}",
    "https://user:{}@example.com/path",
    "postgres://app:{}@db.internal:5432/x?sslmode=require",
    "https://example.com/v1?key={}",
    "GET /v1?alt=sse&key={}&x=1 failed",
    "https://example.com/v1?api_key={}#top",
    "https://example.com/v1?access_token={}&x",
    "https://example.com/v1?token={}",
    "https://s3.example.com/o?X-Amz-Signature={}&X-Amz-Date=20260101",
    "https://x.blob.example.com/c?sv=1&sig={}&se=2",
    "https%3A%2F%2Fexample.com%3Fapi_key%3D{}%26x%3D1",
    "password={}",
    "password: {}",
    "Server=db;User Id=app;Password={};Encrypt=true",
    "client_secret={}&grant_type=client_credentials",
    "Cookie: session={}; theme=dark",
    "Set-Cookie: sid={}; HttpOnly",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101, SignedHeaders=host, Signature={}",
];

fn assert_gone(text: &str, secret: &str) {
    let redacted = redact(text);
    assert!(!redacted.contains(secret), "{text}\n-> {redacted}");
    // Nor half of it.
    let half = &secret[secret.len() / 2..];
    assert!(!redacted.contains(half), "{text}\n-> {redacted}");
    assert!(redacted.contains(MARK), "{text}\n-> {redacted}");
    assert_eq!(redact(&redacted), redacted, "{text}");
}

#[test]
fn no_secret_with_a_form_survives_any_context() {
    for secret in secrets() {
        for context in CONTEXTS.into_iter().chain(NAMED) {
            assert_gone(&context.replace("{}", &secret), &secret);
        }
    }
}

#[test]
fn no_secret_with_a_name_survives() {
    for secret in nameless() {
        for context in NAMED {
            assert_gone(&context.replace("{}", &secret), &secret);
        }
    }
}

#[test]
fn more_forms_are_found() {
    for text in [
        "https://sk_user:pa/ss1@example.com/x",
        "https://user:p@ss:w0rd@example.com/x",
        "https://0123456789abcdef0123@example.com/x",
        "postgres://user@[::1]:5432 password='hunter2'",
        "Bearer dGhpcyBpcyBhIHRva2Vu",
        "Basic dXNlcjpwYXNz",
        "bearer%20abc123def456",
        "{\"password\":\"correct horse battery staple\"}",
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIabc",
        "Incorrect API key provided: sk-abc12***************wxyz.",
    ] {
        assert!(redact(text).contains(MARK), "{text}");
    }
    let secret = "correct horse";
    assert!(!redact("{\"password\":\"correct horse battery\"}").contains(secret));
}

#[test]
fn texts_without_secrets_stay_as_they_are() {
    for text in [
        "",
        "connection refused (os error 111)",
        "invalid token: expected `]` at line 1 column 5",
        "unexpected token: <",
        "missing key: model",
        "API key is invalid.",
        "x-api-key: header is required",
        "Authorization: required",
        "basic authentication required; bearer authentication is not supported",
        "WWW-Authenticate: Bearer realm=\"api\", error=\"invalid_token\"",
        "password: must be at least eight characters",
        "password: incorrect",
        "max_tokens: 4096 exceeds the limit of 2048 output_tokens=100",
        "risk-assessment of task-force 1234567890",
        "https://example.com:8443/path?page=2&key=1",
        "http://localhost:4318/v1/logs",
        "mail ada@example.com at 10:30",
        "commit 4858380f1e2b9b8cb526be9394b0341da16cfc6f36a",
        "request id req_011CdD8kCHePDwkWhKt6aCDv failed: overloaded_error",
        "model: claude-sonnet-4-5-20250929, usage: {\"input_tokens\": 12}",
        "The API deployment for this resource does not exist.",
        "ﬂügel → 学 \u{2028} ok",
    ] {
        assert_eq!(redact(text), text);
        assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn a_long_text_is_cut_between_characters_and_words() {
    let text = "é".repeat(TEXT_BYTES_MAX);
    let cut = redact(&text);
    assert!(cut.len() <= TEXT_BYTES_MAX && cut.ends_with(CUT));
    assert_eq!(redact(&cut), cut);
    let secret = format!("sk-{}", "a1".repeat(50));
    for before in LOOK_BYTES_MAX - 200..LOOK_BYTES_MAX + 20 {
        let pem = "-----BEGIN X-----\n-----END X-----";
        let text = format!("{pem}{} {secret} end", "-".repeat(before - pem.len()));
        assert!(!redact(&text).contains("a1a1"), "{before}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn redacting_leaves_no_credential(parts in prop::collection::vec(part(), 0..12)) {
        let text = parts.concat();
        let once = redact(&text).into_owned();
        for finding in find(&once) {
            let found = &once[finding.start..finding.end];
            prop_assert!(found.contains(MARK), "{text}\n-> {once}");
        }
        prop_assert!(once.len() <= TEXT_BYTES_MAX);
    }

    #[test]
    fn any_text_is_taken(text in "\\PC{0,200}") {
        redact(&text);
    }
}

/// Pieces that make credentials when they meet.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ :=,;&?%\"'\\\\\\[\\](){}<>@/.-]{1,3}",
        "[a-zA-Z0-9_-]{1,12}",
        prop::sample::select(vec![
            "Authorization",
            "Bearer ",
            "api_key",
            "password",
            "key",
            "sk-abc123def456",
            "://",
            "user:pa@",
            "[redacted:",
            "[redacted:api_key]",
            "eyJhbGciOi.eyJzdWIiOi",
            "-----BEGIN X-----",
            "-----END X-----",
            "Cookie",
            "%3D",
            "provided",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Hostile repetitions: the time must grow with the length and not with its square.
#[test]
fn repetitions_take_linear_time() {
    for part in [
        "key:",
        "password:",
        "://a:",
        "eyJ-",
        "-----BEGIN ",
        "sk-",
        "Authorization: ",
        "\"",
        "a=b,",
        "Bearer ",
        "%3D",
        "\\\"",
        "key=",
    ] {
        let start = Instant::now();
        redact(&part.repeat(LOOK_BYTES_MAX / part.len()));
        let elapsed = start.elapsed();
        // Far above what a loaded machine needs, far below what the square would take.
        assert!(elapsed.as_secs() < 20, "{part}: {elapsed:?}");
    }
}

/// Found by the fuzzer: a sign before a credential was taken for the begin of its name's value once the mark stood there.
#[test]
fn a_mark_behind_a_sign_is_no_value() {
    for sign in ["\u{1b}", "/", "@/", "~"] {
        let text = format!("Incorrect API key provided:{sign}sk-inval*********** ");
        let once = redact(&text);
        assert_eq!(redact(&once), once, "{sign:?}");
        assert!(!once.contains("sk-inval"), "{sign:?}");
    }
}

/// Found by the fuzzer: padded base64 before a quote was taken for the name of a challenge's parameter, and was kept whole
/// wherever no header's name stood before the scheme.
#[test]
fn padded_base64_before_a_quote_is_a_credential() {
    for token in [
        "dXNlcjpwYXNzd29yZDE=",
        "dXNlcjpodW50ZXIyMTE=",
        "dXNlcjpwYXNzMQ==",
    ] {
        for scheme in ["Basic", "Bearer"] {
            let text = format!("{{\"message\":\"bad header {scheme} {token}\"}}");
            assert_gone(&text, token);
            assert_gone(&text.replace('"', "\\\""), token);
        }
    }
    for challenge in [
        "Bearer error_description=\"The access token expired\"",
        "{\"www-authenticate\":\"Bearer authorization_uri=\\\"https://login.example.com/common\\\"\"}",
        "Basic Charset=\"UTF-8\"",
    ] {
        assert_eq!(redact(challenge), challenge);
    }
}

/// Found by the fuzzer: whether a token was one hung on what stood behind it, and a mark there changed that.
#[test]
fn a_mark_behind_a_token_changes_nothing() {
    let text = "bearer=ot====encryptionkey======\"";
    let once = redact(text);
    assert_eq!(redact(&once), once);
    assert!(!once.contains("encryptionkey"), "{once}");
}

/// Found by generated texts: a URL with nothing but a colon for a user was a credential in a longer text and none alone.
#[test]
fn a_colon_alone_is_no_credential() {
    for text in ["://:@", "see https://:@example.com/x"] {
        assert_eq!(redact(text), text);
        assert_eq!(find(text), []);
    }
    assert!(!redact("redis://:pw@cache.internal").contains("pw@"));
}
