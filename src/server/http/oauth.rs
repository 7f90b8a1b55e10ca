//! Error responses of the provider's endpoints, in the format of OAuth (RFC 6749, section 5.2; RFC 6750, section 3).

use super::refusal::status;
use crate::server::oauth::{ErrorCode, Refusal};
use crate::types::ApiError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::headers::{HeaderMapExt, RetryAfter};
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Body {
    error: &'static str,
    error_description: &'static str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // A rate limit, not an unavailable backend.
        let is_limit = self.retry_after.is_some() && self != Self::UNAVAILABLE;
        let status = if is_limit { StatusCode::TOO_MANY_REQUESTS.as_u16() } else { self.code.status() };
        let body = Body { error: self.code.name(), error_description: self.description };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.typed_insert(RetryAfter::delay(Duration::from_secs(
                wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
            )));
        }
        let challenge = match self.code {
            ErrorCode::InvalidClient => Some("Basic realm=\"applications\""),
            ErrorCode::InvalidToken => Some("Bearer error=\"invalid_token\""),
            ErrorCode::InsufficientScope => Some("Bearer error=\"insufficient_scope\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// An error of another layer, such as for an oversized body, in the format of OAuth.
#[must_use]
pub fn to_oauth_error(error: ApiError) -> Response {
    let refusal = match error {
        ApiError::Unavailable => Refusal::UNAVAILABLE,
        ApiError::TooManyRequests { retry_after } => Refusal {
            code: ErrorCode::TemporarilyUnavailable,
            description: "too many requests; wait as long as Retry-After says",
            retry_after: Some(Duration::from_secs(retry_after.into())),
        },
        ApiError::Internal => Refusal::new(ErrorCode::ServerError, "something went wrong on our side"),
        ApiError::TooLarge => Refusal::invalid_request("the request is too large"),
        ApiError::UnsupportedMediaType => Refusal::invalid_request("send application/x-www-form-urlencoded"),
        ApiError::MethodNotAllowed => Refusal::invalid_request("this method is not allowed here"),
        ApiError::NotFound => Refusal::invalid_request("there is no such endpoint"),
        _ => Refusal::invalid_request("the request is invalid"),
    };
    let mut response = refusal.into_response();
    *response.status_mut() = status(error);
    response
}

/// An error response of a protected resource, which names the error in the challenge, too (RFC 6750, section 3).
#[must_use]
pub fn bearer_refusal(refusal: Refusal) -> Response {
    let mut response = refusal.into_response();
    if refusal.code == ErrorCode::InvalidRequest {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_request\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The response to a request without a token: a challenge without an error code (RFC 6750, section 3.1).
#[must_use]
pub fn bearer_challenge() -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response()
}
