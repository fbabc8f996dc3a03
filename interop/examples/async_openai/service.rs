//! async-openai's door for a client with middleware: a `tower` service of its request factories.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use async_openai::middleware::HttpRequestFactory;
use reqwest::Response;
use reqwest_middleware::ClientWithMiddleware;
use tower_service::Service;

/// Sends what async-openai asks for through a client with middleware.
#[derive(Clone)]
pub(crate) struct WithMiddleware(pub(crate) ClientWithMiddleware);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<HttpRequestFactory> for WithMiddleware {
    type Response = Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let client = self.0.clone();
        Box::pin(async move { Ok(client.execute(request.build().await?).await?) })
    }
}
