//! Checks method, content type and body of requests to `/api`, and sets the status of errors.

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

/// Passes valid requests on and sets the status of every response.
///
/// Leptos parses JSON whatever the content type, answers each error with 500, and redirects clients that accept HTML
/// when there is an error. So this layer checks the type, overwrites `Accept` and sets the status of each error.
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
    // hyper omits the body of the response (RFC 9110, section 9.3.2); server functions do not support HEAD.
    if parts.method == Method::HEAD {
        parts.method = Method::GET;
    }
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if parts.method != Method::POST {
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    Edge::from_extensions(&parts.extensions).check_body(&parts.headers)?;
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

/// Whether a call needs a session. Whether the session is valid is checked later.
fn needs_session(path: &str) -> bool {
    const WITH_SESSION: [&str; 4] = ["/sessions/", "/passkeys/", "/reauthenticate/", "/account/"];
    const WITHOUT_SESSION: [&str; 2] = ["/account/email/undo", "/account/not-me"];
    let Some(path) = path.strip_prefix(paths::API) else { return false };
    path == "/recovery/codes"
        || (WITH_SESSION.iter().any(|own| path.starts_with(own)) && !WITHOUT_SESSION.contains(&path))
}

/// The methods of a path; empty for an unknown path.
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

/// An error of a server function arrives as a 500 with a header that names the function; the body contains the error.
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
