//! What went wrong, in a word for `error.type` and a text without the URL, which may hold a key.
//!
//! Promise: no text of `reqwest` itself is passed on, because it names the URL; the text is that of the innermost cause.

use std::{error::Error as StdError, io};

use reqwest_middleware::Error;

/// Names the failure of a request that has no response.
pub(super) fn of(error: &Error) -> (&'static str, String) {
    match error {
        Error::Reqwest(error) => of_request(error),
        Error::Middleware(error) => {
            // A middleware that gave up sending again has the last failure within its own.
            let mut known = error.chain().filter_map(of_known);
            known
                .next()
                .unwrap_or_else(|| ("middleware", innermost(error.as_ref())))
        }
    }
}

/// Names the failure of a body.
pub(super) fn of_body(error: &reqwest::Error) -> (&'static str, String) {
    let error_type = if error.is_timeout() {
        "timeout"
    } else if causes(error).any(is_cut) {
        "connection_cut"
    } else {
        "body"
    };
    (error_type, innermost(error))
}

fn of_known(error: &(dyn StdError + 'static)) -> Option<(&'static str, String)> {
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return Some(of_request(error));
    }
    error.downcast_ref::<Error>().map(of)
}

fn of_request(error: &reqwest::Error) -> (&'static str, String) {
    let error_type = if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_builder() {
        "invalid_request"
    } else if causes(error).any(is_cut) {
        "connection_cut"
    } else {
        "request"
    };
    (error_type, innermost(error))
}

/// Says whether the other side, or the way there, ended a connection before its time.
fn is_cut(error: &(dyn StdError + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    error.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
        )
    }) || error.to_string() == "connection closed before message completed"
}

fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |error| (*error).source())
}

/// The text of the innermost cause; of an error without one, nothing but that there was one.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    match causes(error).last() {
        Some(cause) if cause.is::<reqwest::Error>() => "the request failed".to_owned(),
        Some(cause) => cause.to_string(),
        None if error.is::<reqwest::Error>() => "the request failed".to_owned(),
        None => error.to_string(),
    }
}
