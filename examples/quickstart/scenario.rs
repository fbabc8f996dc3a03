//! What happens in the quickstart: two users, three models, ten requests, each with another fate.

use std::{io, time::Duration};

use futures_util::{StreamExt, pin_mut};
use tracing::instrument;

use crate::{
    calls::{ask_anthropic, ask_openai, run_agent, stream_anthropic},
    client::{Api, CallError, Request},
    replay::{NEVER_ANSWERED, Recordings},
};

/// How a request is made.
#[derive(Clone, Copy)]
enum By {
    Anthropic,
    AnthropicStream,
    OpenAi,
    Agent,
    /// By a caller who does not wait for the answer.
    Impatient,
}

/// Who asks, how, and the recording that answers.
const STEPS: [(&str, By, &str); 9] = [
    ("user-1", By::OpenAi, "openai-chat-text"),
    ("user-1", By::AnthropicStream, "anthropic-stream-text"),
    ("user-2", By::Anthropic, "anthropic-cache-write-5m"),
    ("user-2", By::AnthropicStream, "anthropic-stream-cache"),
    ("user-2", By::OpenAi, "openai-chat-cached"),
    ("user-1", By::Anthropic, "anthropic-thinking-tokens"),
    ("user-2", By::Agent, "anthropic-tool-use"),
    ("user-1", By::Anthropic, "anthropic-error-400"),
    ("user-1", By::Impatient, "anthropic-stream-text"),
];

/// A request that the guard refuses, so that no recording is needed.
const CARD_QUESTION: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Is 4111 1111 1111 1111 a valid card?"}]}"#;

/// Runs all of it and returns how many requests went wrong, as some are meant to.
pub async fn run(api: &Api, recordings: &Recordings) -> io::Result<usize> {
    let mut failed = 0;
    for (user, by, recording) in STEPS {
        let body = recordings.request(recording)?;
        let name = match by {
            By::Impatient => NEVER_ANSWERED,
            _ => recording,
        };
        let request = Request::new(name, body).map_err(io::Error::other)?;
        failed += usize::from(handle(user, by, api, &request).await.is_err());
    }
    let request = Request::new("never sent", CARD_QUESTION).map_err(io::Error::other)?;
    failed += usize::from(handle("user-2", By::OpenAi, api, &request).await.is_err());
    Ok(failed)
}

/// Handles one request of a user, as a web handler or a middleware would: every call below it is this user's.
#[instrument(skip_all, fields(user.id = user))]
async fn handle(user: &str, by: By, api: &Api, request: &Request) -> Result<(), CallError> {
    match by {
        By::Anthropic => ask_anthropic(api, request).await.map(drop),
        By::OpenAi => ask_openai(api, request).await.map(drop),
        By::Agent => run_agent(api, request).await,
        By::AnthropicStream => {
            let chunks = stream_anthropic(api, request).await?;
            pin_mut!(chunks);
            while let Some(chunk) = chunks.next().await {
                chunk?;
            }
            Ok(())
        }
        By::Impatient => {
            let patience = Duration::from_millis(50);
            // Dropping the future is all that cancelling is; the audit notices.
            let answer = tokio::time::timeout(patience, ask_anthropic(api, request)).await;
            answer.map_or(Ok(()), |answer| answer.map(drop))
        }
    }
}
