//! What a destination's status means: try again, mend the settings, or set the record aside.
//!
//! Promise: only a status that speaks of the request's content or size blames a record; a wrong address or key never does.
//!
//! # Source
//! OTLP specification 1.11, "Failures" and "OTLP/HTTP Throttling"; `google.rpc.Status` and `RetryInfo`.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use tonic::Code;

use crate::follower::{ExportError, Exported, Reason};

/// `google.rpc.Status`, as far as it is read.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Reads an acknowledgement about `entries` entries: all of them, or a partial success.
pub(super) fn acknowledged(response: ExportLogsServiceResponse, entries: usize) -> Exported {
    let Some(partial) = response.partial_success else {
        return Exported::all(entries);
    };
    let rejected = u64::try_from(partial.rejected_log_records).unwrap_or(0);
    let message = (!partial.error_message.is_empty()).then(|| Reason::new(&partial.error_message));
    Exported::partly(entries, rejected.min(entries as u64), message)
}

/// Judges an HTTP status that is not 200.
pub(super) fn judge_http(status: u16, retry_after: Option<Duration>, body: &[u8]) -> ExportError {
    let said = RpcStatus::decode(body).map(|status| status.message);
    let said = said.ok().filter(|said| !said.is_empty());
    let reason = match said {
        Some(said) => Reason::new(&format!("HTTP {status}: {said}")),
        None => Reason::new(&format!("HTTP {status}")),
    };
    match status {
        // 411 and 431 are about our client, 406 and 415 about the protocol: no record is to blame.
        400 | 422 => ExportError::Rejected(reason),
        413 => ExportError::TooLarge(reason),
        408 | 425 | 429 | 500 | 502..=504 => ExportError::NotReady {
            reason,
            retry_after,
        },
        _ => ExportError::Refused(reason),
    }
}

/// Judges a gRPC status.
pub(super) fn judge_grpc(status: &tonic::Status) -> ExportError {
    let reason = Reason::new(&format!("gRPC {:?}: {}", status.code(), status.message()));
    let retry_after = retry_info(status.details());
    match status.code() {
        Code::InvalidArgument => ExportError::Rejected(reason),
        // Without `RetryInfo` it is a message larger than the receiver takes; a tonic receiver says `OutOfRange`.
        Code::ResourceExhausted if retry_after.is_none() => ExportError::TooLarge(reason),
        Code::OutOfRange if status.message().contains("too large") => ExportError::TooLarge(reason),
        Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented | Code::NotFound => {
            ExportError::Refused(reason)
        }
        _ => ExportError::NotReady {
            reason,
            retry_after,
        },
    }
}

fn retry_info(details: &[u8]) -> Option<Duration> {
    let status = RpcStatus::decode(details).ok()?;
    let is_retry_info = |detail: &&Detail| detail.type_url.ends_with("/google.rpc.RetryInfo");
    let detail = status.details.iter().find(is_retry_info)?;
    let delay = RetryInfo::decode(detail.value.as_slice())
        .ok()?
        .retry_delay?;
    let seconds = u64::try_from(delay.seconds).ok()?;
    Some(Duration::new(
        seconds,
        u32::try_from(delay.nanos).ok()?.min(999_999_999),
    ))
}

/// Parses `Retry-After`: seconds, or an HTTP date seen from `date`, the answer's own `Date`.
///
/// The destination's clock is compared with itself, so ours may be wrong.
pub(super) fn parse_retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let http_date = |text: &str| chrono::DateTime::parse_from_rfc2822(text.trim()).ok();
    let wait = http_date(value)? - http_date(date?)?;
    Some(wait.to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(seconds: i64) -> Vec<u8> {
        let delay = Some(Delay { seconds, nanos: 5 });
        let value = RetryInfo { retry_delay: delay }.encode_to_vec();
        let type_url = "type.googleapis.com/google.rpc.RetryInfo".to_owned();
        let details = vec![Detail { type_url, value }];
        let (code, message) = (8, String::new());
        RpcStatus {
            code,
            message,
            details,
        }
        .encode_to_vec()
    }

    #[test]
    fn http_statuses_tell_record_destination_and_patience_apart() {
        for status in [400, 413, 422] {
            assert!(!judge_http(status, None, b"").is_retryable());
        }
        for status in [301, 401, 403, 404, 405, 415, 501] {
            assert!(matches!(
                judge_http(status, None, b""),
                ExportError::Refused(_)
            ));
        }
        let wait = Some(Duration::from_secs(7));
        for status in [429, 500, 502, 503, 504] {
            assert_eq!(judge_http(status, wait, b"").retry_after(), wait);
        }
    }

    #[test]
    fn grpc_resource_exhausted_is_patience_only_with_retry_info() {
        let bare = tonic::Status::new(Code::ResourceExhausted, "received message larger than max");
        assert!(!judge_grpc(&bare).is_retryable());
        let asked = tonic::Status::with_details(Code::ResourceExhausted, "", details(3).into());
        assert_eq!(judge_grpc(&asked).retry_after(), Some(Duration::new(3, 5)));
    }

    #[test]
    fn the_destination_s_words_are_in_the_reason() {
        let body = RpcStatus {
            code: 3,
            message: "no such field".to_owned(),
            details: Vec::new(),
        };
        let error = judge_http(400, None, &body.encode_to_vec());
        assert_eq!(
            error.to_string(),
            "the destination refuses these entries: HTTP 400: no such field"
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_destination_s_own_clock() {
        let later = "Fri, 31 Dec 1999 23:59:59 GMT";
        let date = Some("Fri, 31 Dec 1999 23:59:29 GMT");
        assert_eq!(
            parse_retry_after(" 120", None),
            Some(Duration::from_secs(120))
        );
        assert_eq!(
            parse_retry_after(later, date),
            Some(Duration::from_secs(30))
        );
        assert_eq!(parse_retry_after(later, None), None);
    }
}
