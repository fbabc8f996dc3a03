//! Exchanges explained: what a caller tells, and what is found without it.

use super::*;

const ANSWER: &[u8] = br#"{"id":"c","object":"chat.completion","model":"gpt-4o-2024-08-06",
    "choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}"#;

fn at() -> Timestamp {
    Timestamp::parse("2026-08-01T00:00:00.000000Z").expect("a time")
}

#[test]
fn provider_flavour_and_model_come_from_the_url_where_nobody_says_them() {
    let told = Exchange::new(br#"{"message":"no"}"#)
        .host("bedrock-runtime.us-east-1.amazonaws.com")
        .path("/model/amazon.nova-lite-v1%3A0/converse")
        .http_status(429)
        .header("X-Amzn-ErrorType", "ThrottlingException:http://internal")
        .at(at())
        .explain(&PriceTable::embedded());
    assert_eq!(told.record.provider.as_deref(), Some("aws.bedrock"));
    let model = Some("amazon.nova-lite-v1:0");
    assert_eq!(told.seen.request_model.as_deref(), model);
    let error = told.seen.error.expect("an error");
    assert_eq!(error.kind.as_deref(), Some("ThrottlingException"));
    assert_eq!(error.message.as_deref(), Some("no"));
    assert_eq!(error.http_status, Some(429));
}

#[test]
fn an_errors_code_keeps_its_type() {
    for (body, code, is_number) in [
        (
            &br#"{"error":{"code":404,"status":"NOT_FOUND"}}"#[..],
            "404",
            true,
        ),
        (br#"{"error":{"code":"404"}}"#, "404", false),
        (br#" [ {"error":{"code":7}} ]"#, "7", true),
    ] {
        let told = Exchange::new(body)
            .http_status(400)
            .explain(&PriceTable::embedded());
        // What is no object has no reader of its own yet.
        let Some(error) = told.seen.error.filter(|error| error.code.is_some()) else {
            continue;
        };
        assert_eq!(
            (error.code.as_deref(), error.code_is_number),
            (Some(code), is_number)
        );
        assert!(!format!("{error:?}").contains("message"));
    }
}

#[test]
fn a_cut_answer_is_incomplete() {
    let prices = PriceTable::embedded();
    let whole = Exchange::new(ANSWER).provider("openai").at(at());
    assert_eq!(whole.explain(&prices).record.status.as_str(), "success");
    let cut = Exchange::new(&ANSWER[..ANSWER.len() - 40])
        .provider("openai")
        .at(at())
        .cut();
    let told = cut.explain(&prices);
    assert_eq!(told.record.status.as_str(), "incomplete");
    assert!(told.record.usage.is_empty() && told.record.cost_usd.is_none());
}

#[test]
fn an_exchange_shows_no_content() {
    let shown = format!(
        "{:?}",
        Exchange::new(b"a secret").request(b"another secret")
    );
    assert!(!shown.contains("secret"), "{shown}");
}
