//! [`ApiError`] as JSON.

use super::{ApiError, Details};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Serialize, Deserialize)]
pub struct Body {
    error: Refusal,
}

#[derive(Serialize, Deserialize)]
struct Refusal {
    code: Cow<'static, str>,
    #[serde(default)]
    message: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tries_left: Option<u8>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    forget: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    suspended: bool,
}

impl From<ApiError> for Body {
    fn from(error: ApiError) -> Self {
        let refusal = Refusal {
            code: error.code().into(),
            message: error.message().into(),
            retry_after: error.retry_after(),
            tries_left: error.tries_left(),
            forget: error.allows_forgetting_passkey(),
            suspended: error.is_passkey_suspended(),
        };
        Self { error: refusal }
    }
}

impl From<Body> for ApiError {
    /// A code that this build does not know comes from a newer server, and becomes [`ApiError::Internal`].
    fn from(body: Body) -> Self {
        let Refusal { code, tries_left, retry_after, forget, suspended, .. } = body.error;
        let details = Details { tries_left, retry_after, forget, suspended };
        Self::from_code(&code).map_or(Self::Internal, |error| error.with_details(details))
    }
}
