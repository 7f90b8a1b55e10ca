//! Logs one line per request, sets the request id on every response, and answers after panics and timeouts.

use super::state::AppState;
use crate::server::telemetry::meters;
use crate::types::ApiError;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// Every request is answered within two seconds, even if a backend is down; the remainder is for the network.
const DEADLINE: Duration = Duration::from_millis(1_900);

/// Assigns the request ID, and logs the route (never the query), the status and the duration.
pub async fn log(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut bytes = [0; 12];
    state.core().entropy.fill(&mut bytes);
    let id = URL_SAFE_NO_PAD.encode(bytes);
    let method = request.method().clone();
    let route = route_of(&request);
    let span = tracing::info_span!("request", id);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| {
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        meters::request(route.clone(), response.status().as_u16(), started.elapsed());
        tracing::info!(%method, route, status = response.status().as_u16(), micros, "request");
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

/// The route pattern that matched. An unknown path is not logged, since it could contain anything.
fn route_of(request: &Request) -> String {
    let path = request.uri().path();
    let is_api = server_fn::axum::server_fn_paths().any(|(known, _)| known == path);
    match request.extensions().get::<MatchedPath>() {
        _ if is_api => path.to_owned(),
        Some(matched) => matched.as_str().to_owned(),
        None => "(none)".to_owned(),
    }
}

/// Refuses a target that is not a path, such as that of a proxy's `CONNECT`: routers and Leptos rely on the slash.
pub async fn refuse_without_path(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with('/') { next.run(request).await } else { ApiError::BadRequest.into_response() }
}

/// Times out slow requests. A transaction that is not being committed yet is dropped and thereby rolled back.
pub async fn deadline(request: Request, next: Next) -> Response {
    tokio::time::timeout(DEADLINE, next.run(request)).await.unwrap_or_else(|_| {
        tracing::error!(deadline = ?DEADLINE, "request timed out");
        ApiError::Unavailable.into_response()
    })
}

/// The response after a panic. It is constant, because the panic message is only for the log.
#[expect(clippy::needless_pass_by_value, reason = "tower-http passes it by value")]
pub fn after_panic(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("no message"), "handler panicked");
    ApiError::Internal.into_response()
}
