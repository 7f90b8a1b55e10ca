//! Checks in front of `/api`: method, content type and shape, and the statuses of refusals.

use super::body::MAX_BODY;
use super::edge::Edge;
use super::refusal::{set_retry_after, status};
use super::state::AppState;
use crate::types::{ApiError, paths};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use server_fn::error::{FromServerFnError, SERVER_FN_ERROR_HEADER};

/// Lets a fit request through and gives every answer its status.
///
/// Leptos reads JSON whatever the type says and answers each error with 500, and turns refusals into redirects for
/// clients that accept HTML; so the type is checked and `Accept` overwritten here, and refusals get their own status.
pub async fn gate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let methods = methods_of(request.uri().path());
    match admit(&state, request, &methods).await {
        Ok(request) => with_status(next.run(request).await).await,
        Err(ApiError::MethodNotAllowed) => not_allowed(&methods),
        Err(error) => error.into_response(),
    }
}

async fn admit(state: &AppState, request: Request, methods: &[Method]) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    if methods.is_empty() {
        return Err(ApiError::NotFound);
    }
    if !methods.contains(&parts.method) {
        return Err(ApiError::MethodNotAllowed);
    }
    // The server leaves the body away (RFC 9110, section 9.3.2); the functions know nothing of it.
    if parts.method == Method::HEAD {
        parts.method = Method::GET;
    }
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if parts.method != Method::POST {
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    Edge::of(&parts.extensions).check_body(&parts.headers)?;
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| ApiError::TooLarge)?;
    // Before the body is parsed, so that an unauthenticated client learns nothing about valid input.
    if needs_session(parts.uri.path()) && state.cookies.session(&parts.headers).is_none() {
        return Err(ApiError::SignedOut);
    }
    // Serde accepts an array for a struct and skips UTF-8 checks in ignored text.
    if body.trim_ascii_start().first() != Some(&b'{') || std::str::from_utf8(&body).is_err() {
        return Err(ApiError::BadRequest);
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Whether a call is about the account that is signed in. Whether its session lives is seen later.
fn needs_session(path: &str) -> bool {
    const OWN: [&str; 4] = ["/sessions/", "/passkeys/", "/reauthenticate/", "/account/"];
    const STRANGERS: [&str; 2] = ["/account/email/undo", "/account/not-me"];
    let Some(path) = path.strip_prefix(paths::API) else { return false };
    path == "/recovery/codes" || (OWN.iter().any(|own| path.starts_with(own)) && !STRANGERS.contains(&path))
}

/// To what a path answers; nothing where there is none.
fn methods_of(path: &str) -> Vec<Method> {
    let known = server_fn::axum::server_fn_paths().filter(|(known, _)| *known == path);
    let mut methods: Vec<_> = known.map(|(_, method)| method).collect();
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods
}

fn not_allowed(methods: &[Method]) -> Response {
    let mut response = ApiError::MethodNotAllowed.into_response();
    let names: Vec<_> = methods.iter().map(Method::as_str).collect();
    if let Ok(names) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(header::ALLOW, names);
    }
    response
}

/// A refusal of a server function arrives as a 500 that names the function; its body tells which refusal it is.
async fn with_status(response: Response) -> Response {
    if !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let error = ApiError::de(body.clone());
    parts.headers.remove(SERVER_FN_ERROR_HEADER);
    parts.status = status(error);
    set_retry_after(&mut parts.headers, error);
    Response::from_parts(parts, Body::from(body))
}
