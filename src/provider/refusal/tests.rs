//! Each provider's way to refuse and to fail.

use super::*;
use crate::provider::{Body, Reading, Want, read};

fn said(body: &str, http_status: u16) -> Reading<'_> {
    let body = Body {
        bytes: body.as_bytes(),
        http_status: Some(http_status),
        is_whole: true,
        ..Body::default()
    };
    read(&body, Want::Facts)
}

#[test]
fn tables_are_sorted_and_in_lower_case() {
    assert!(REFUSALS.is_sorted());
    assert!(FAILURES.is_sorted());
    assert_eq!(refusal_code("SAFETY"), Some("safety"));
    assert_eq!(refusal_code("stop"), None);
}

/// Every value of the SDK's enumeration, and what it means here.
#[test]
fn gemini_finish_reasons_are_told_apart() {
    let refused = [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
    ];
    let other = [
        "FINISH_REASON_UNSPECIFIED",
        "STOP",
        "MAX_TOKENS",
        "LANGUAGE",
        "OTHER",
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "NO_IMAGE",
        "IMAGE_OTHER",
        "TOO_MANY_TOOL_CALLS",
    ];
    for reason in refused {
        assert!(refusal_code(reason).is_some(), "{reason}");
    }
    for reason in other {
        assert!(refusal_code(reason).is_none(), "{reason}");
    }
}

#[test]
fn errors_that_refuse_are_told_from_those_that_fail() {
    for (status, body, expected) in [
        // Azure: by its code, by the inner code alone.
        (
            400,
            r#"{"error":{"message":"x","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}}"#,
            Some("content_filter"),
        ),
        (
            400,
            r#"{"error":{"message":"x","code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            Some("responsibleaipolicyviolation"),
        ),
        // OpenRouter.
        (
            403,
            r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["sexual"],"flagged_input":"...","provider_name":"x"}}}"#,
            Some("moderation"),
        ),
        (
            429,
            r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"provider_name":"x","raw":"later"}}}"#,
            None,
        ),
        // xAI says one code for two things.
        (
            403,
            r#"{"code":"permission-denied","error":"Content violates usage guidelines. "}"#,
            Some("usage_guidelines"),
        ),
        (
            403,
            r#"{"code":"permission-denied","error":"Access to the chat endpoint is denied"}"#,
            None,
        ),
        (
            400,
            r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#,
            Some("content_exists_risk"),
        ),
        (
            400,
            r#"{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}"#,
            Some("usage_policy"),
        ),
        (
            400,
            r#"{"error":{"message":"prompt is empty","type":"invalid_request_error","code":"invalid_prompt"}}"#,
            None,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#,
            Some("content_filter"),
        ),
        (
            400,
            r#"{"error":{"message":"rejected","type":"content_filter"}}"#,
            Some("content_filter"),
        ),
        (
            400,
            r#"{"code":"DataInspectionFailed","message":"Input data may contain inappropriate content.","request_id":"x"}"#,
            Some("datainspectionfailed"),
        ),
        (
            400,
            r#"{"error":{"code":"moderation_blocked","message":"rejected by our safety system"}}"#,
            Some("moderation_blocked"),
        ),
        (
            400,
            r#"{"message":"This request has been blocked by our content filters."}"#,
            Some("content_filter"),
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            None,
        ),
    ] {
        let reading = said(body, status);
        assert!(reading.error.is_some(), "{body}");
        assert_eq!(reading.refusal(), expected, "{body}");
    }
}

#[test]
fn every_provider_s_error_is_read() {
    let cases: [(&str, Option<&str>, Option<&str>); 16] = [
        (
            r#"{"type":"error","error":{"type":"not_found_error","message":"m"},"request_id":"r"}"#,
            Some("not_found_error"),
            Some("m"),
        ),
        (
            r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
            Some("invalid_api_key"),
            Some("m"),
        ),
        (
            r#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}"#,
            Some("400"),
            Some("m"),
        ),
        (r#"{"message":"m"}"#, None, Some("m")),
        (r#"{"Message":"m"}"#, None, Some("m")),
        (
            r#"{"message":"m","__type":"ThrottlingException"}"#,
            Some("ThrottlingException"),
            Some("m"),
        ),
        (
            r#"{"error":"model 'x' not found"}"#,
            None,
            Some("model 'x' not found"),
        ),
        (
            r#"{"code":"Client specified an invalid argument","error":"m"}"#,
            Some("Client specified an invalid argument"),
            Some("m"),
        ),
        (
            r#"{"detail":"Invalid API Key"}"#,
            None,
            Some("Invalid API Key"),
        ),
        (
            r#"{"detail":[{"loc":["body","model"],"msg":"Field required","type":"missing"},{"msg":"Too long"}]}"#,
            None,
            Some("Field required; Too long"),
        ),
        (
            r#"{"object":"error","message":"m","type":"invalid_request_error","param":null,"code":1500}"#,
            Some("1500"),
            Some("m"),
        ),
        (
            r#"{"object":"error","message":{"detail":[{"msg":"m","type":"missing"}]},"type":"invalid_request_error"}"#,
            Some("invalid_request_error"),
            Some("m"),
        ),
        (
            r#"{"errors":[{"message":"m","code":7003}],"success":false}"#,
            Some("7003"),
            Some("m"),
        ),
        (r#"{"errors":["m"]}"#, None, Some("m")),
        (
            "upstream connect error",
            None,
            Some("upstream connect error"),
        ),
        (
            "<html><body>502</body></html>",
            None,
            Some("<html><body>502</body></html>"),
        ),
    ];
    for (body, code, text) in cases {
        let error = said(body, 500).error.expect(body);
        assert_eq!(
            (error.error_type(), error.message.as_deref()),
            (code, text),
            "{body}"
        );
    }
}

#[test]
fn a_success_is_no_error() {
    for body in [
        r#"{"object":"chat.completion","choices":[],"error":null}"#,
        r#"{"message":{"role":"assistant","content":"x"},"done":true,"errors":[]}"#,
        r#"{"id":"1","message":{"role":"assistant"},"finish_reason":"COMPLETE"}"#,
    ] {
        assert!(said(body, 200).error.is_none(), "{body}");
    }
}

#[test]
fn finish_reasons_that_mean_a_failure_are_errors() {
    for body in [
        r#"{"object":"chat.completion","choices":[{"finish_reason":"error","message":{}}]}"#,
        r#"{"object":"chat.completion","choices":[{"finish_reason":"insufficient_system_resource","message":{}}]}"#,
        r#"{"id":"1","message":{"role":"assistant"},"finish_reason":"ERROR"}"#,
        r#"{"object":"response","status":"failed","output":[]}"#,
    ] {
        assert!(said(body, 200).error.is_some(), "{body}");
    }
    let toxic = r#"{"id":"1","message":{"role":"assistant"},"finish_reason":"ERROR_TOXIC"}"#;
    assert_eq!(said(toxic, 200).refusal(), Some("error_toxic"));
    assert!(said(toxic, 200).error.is_none());
}
