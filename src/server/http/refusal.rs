//! Refusals on their way to the wire: each error of a ceremony becomes a code; causes are logged here, once.

use crate::server::Unavailable;
use crate::server::auth::{BeginSignUpError, FinishSignInError, FinishSignUpError, Malformed};
use crate::types::ApiError;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use server_fn::error::FromServerFnError;

/// The answer that carries a refusal as JSON.
#[must_use]
pub fn refuse(error: ApiError) -> Response<Body> {
    let mut response = Response::new(Body::from(error.ser()));
    *response.status_mut() = status(error);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Its status as HTTP knows it.
#[must_use]
pub fn status(error: ApiError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl From<Unavailable> for ApiError {
    fn from(cause: Unavailable) -> Self {
        tracing::error!(%cause, "unavailable");
        Self::Unavailable
    }
}

impl From<Malformed> for ApiError {
    fn from(Malformed: Malformed) -> Self {
        Self::BadRequest
    }
}

impl From<BeginSignUpError> for ApiError {
    fn from(error: BeginSignUpError) -> Self {
        match error {
            BeginSignUpError::InvalidUsername => Self::InvalidUsername,
            BeginSignUpError::InvalidEmail => Self::InvalidEmail,
            BeginSignUpError::InvalidDisplayName => Self::InvalidDisplayName,
            BeginSignUpError::UsernameTaken => Self::UsernameTaken,
            BeginSignUpError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<FinishSignUpError> for ApiError {
    fn from(error: FinishSignUpError) -> Self {
        match error {
            FinishSignUpError::Malformed => Self::BadRequest,
            FinishSignUpError::Expired => Self::CeremonyExpired,
            FinishSignUpError::NotVerified => Self::NotVerified,
            FinishSignUpError::UsernameTaken => Self::UsernameTaken,
            FinishSignUpError::PasskeyExists => Self::PasskeyExists,
            FinishSignUpError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<FinishSignInError> for ApiError {
    fn from(error: FinishSignInError) -> Self {
        match error {
            FinishSignInError::Malformed => Self::BadRequest,
            FinishSignInError::Expired => Self::CeremonyExpired,
            FinishSignInError::NotVerified => Self::NotVerified,
            FinishSignInError::UnknownPasskey => Self::UnknownPasskey,
            FinishSignInError::Unavailable(cause) => cause.into(),
        }
    }
}
