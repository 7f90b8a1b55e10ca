//! Turns errors into responses, and logs their causes once.

use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::limiter::LimitError;
use crate::types::ApiError;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::headers::{HeaderMapExt, RetryAfter};
use server_fn::error::FromServerFnError;
use std::time::Duration;

/// The error as JSON. If the browser accepts HTML, an outer layer replaces it with a page.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.ser()));
        response.extensions_mut().insert(self);
        *response.status_mut() = status(self);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        set_retry_after(headers, self);
        response
    }
}

/// Sets `Retry-After` (RFC 9110, section 10.2.3) if waiting helps.
pub fn set_retry_after(headers: &mut HeaderMap, error: ApiError) {
    if let Some(seconds) = error.retry_after() {
        headers.typed_insert(RetryAfter::delay(Duration::from_secs(seconds.into())));
    }
}

/// The HTTP status of an error.
#[must_use]
pub fn status(error: ApiError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl From<Unavailable> for ApiError {
    fn from(cause: Unavailable) -> Self {
        cause.log();
        Self::Unavailable
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal,
            Error::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<LimitError> for ApiError {
    fn from(limited: LimitError) -> Self {
        Error::from(limited).into()
    }
}
