use bytes::Bytes;
use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

/// Every way in which a call can be refused: a closed set of codes, each with its status and its sentence.
///
/// On the wire: `{"error":{"code":"…","message":"…"}}`, with `retry_after` in seconds where waiting helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "wire::Body", from = "wire::Body")]
pub enum ApiError {
    BadRequest,
    CeremonyExpired,
    CrossOrigin,
    Internal,
    InvalidDisplayName,
    InvalidEmail,
    InvalidUsername,
    MethodNotAllowed,
    NotFound,
    NotVerified,
    PasskeyExists,
    SignedOut,
    TooLarge,
    Unavailable,
    UnknownPasskey,
    /// Only ever met in the browser: the server could not be reached.
    Unreachable,
    UnsupportedMediaType,
    UsernameTaken,
}

impl ApiError {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 18] = [
        Self::BadRequest,
        Self::CeremonyExpired,
        Self::CrossOrigin,
        Self::Internal,
        Self::InvalidDisplayName,
        Self::InvalidEmail,
        Self::InvalidUsername,
        Self::MethodNotAllowed,
        Self::NotFound,
        Self::NotVerified,
        Self::PasskeyExists,
        Self::SignedOut,
        Self::TooLarge,
        Self::Unavailable,
        Self::UnknownPasskey,
        Self::Unreachable,
        Self::UnsupportedMediaType,
        Self::UsernameTaken,
    ];

    /// The name that programs go by.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::CeremonyExpired => "ceremony_expired",
            Self::CrossOrigin => "cross_origin",
            Self::Internal => "internal",
            Self::InvalidDisplayName => "invalid_display_name",
            Self::InvalidEmail => "invalid_email",
            Self::InvalidUsername => "invalid_username",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::NotVerified => "not_verified",
            Self::PasskeyExists => "passkey_exists",
            Self::SignedOut => "signed_out",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
            Self::UnknownPasskey => "unknown_passkey",
            Self::Unreachable => "unreachable",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::UsernameTaken => "username_taken",
        }
    }

    /// The HTTP status that carries it (RFC 9110, section 15).
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::CeremonyExpired | Self::NotVerified | Self::SignedOut | Self::UnknownPasskey => 401,
            Self::CrossOrigin => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::PasskeyExists | Self::UsernameTaken => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InvalidDisplayName | Self::InvalidEmail | Self::InvalidUsername => 422,
            Self::Internal => 500,
            Self::Unavailable | Self::Unreachable => 503,
        }
    }

    /// One plain sentence for a person: what happened, or what to do next.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::BadRequest => "That request could not be understood. Reload the page and try again.",
            Self::CeremonyExpired => "That took too long, or was started in another browser. Please try again.",
            Self::CrossOrigin => "That request came from another site, so nothing was done.",
            Self::Internal => "Something went wrong on our side. Please try again.",
            Self::InvalidDisplayName => "Use a name of 1 to 64 characters, without control characters.",
            Self::InvalidEmail => "Enter an e-mail address such as name@example.org.",
            Self::InvalidUsername => {
                "Use 3 to 32 letters, digits, dots, hyphens or underscores, beginning with a letter or digit."
            }
            Self::MethodNotAllowed => "That address does not answer to this kind of request.",
            Self::NotFound => "There is nothing at that address.",
            Self::NotVerified => "Your passkey could not be verified. Please try again.",
            Self::PasskeyExists => "This passkey is already in use. Sign in with it instead.",
            Self::SignedOut => "You are signed out. Please sign in.",
            Self::TooLarge => "That is more than we accept in one request.",
            Self::Unavailable => "We cannot do that at the moment. Please try again in a few seconds.",
            Self::UnknownPasskey => "This passkey is no longer known here. Try another one, or sign up.",
            Self::Unreachable => "We could not reach the server. Check your connection and try again.",
            Self::UnsupportedMediaType => "Send this request as application/json.",
            Self::UsernameTaken => "That username is taken. Please choose another.",
        }
    }

    /// Seconds after which trying again makes sense.
    #[must_use]
    pub fn retry_after(self) -> Option<u32> {
        match self {
            Self::Unavailable => Some(2),
            _ => None,
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::BadRequest
            }
            ServerFnErrorErr::Request(_) => Self::Unreachable,
            ServerFnErrorErr::Registration(_)
            | ServerFnErrorErr::UnsupportedRequestMethod(_)
            | ServerFnErrorErr::ServerError(_)
            | ServerFnErrorErr::MiddlewareError(_)
            | ServerFnErrorErr::Serialization(_)
            | ServerFnErrorErr::Response(_) => Self::Internal,
        }
    }

    /// Reads a refusal; a body that is not one of ours (a proxy's page, say) is an outage to the person.
    fn de(data: Bytes) -> Self {
        serde_json::from_slice(&data).unwrap_or(Self::Unavailable)
    }
}

mod wire {
    use super::ApiError;
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
    }

    impl From<ApiError> for Body {
        fn from(error: ApiError) -> Self {
            let refusal = Refusal {
                code: error.code().into(),
                message: error.message().into(),
                retry_after: error.retry_after(),
            };
            Self { error: refusal }
        }
    }

    impl From<Body> for ApiError {
        /// A code this build does not know comes from a newer server: nothing better than "something went wrong".
        fn from(body: Body) -> Self {
            Self::of_code(&body.error.code).unwrap_or(Self::Internal)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_comes_back_from_the_wire() {
        let codes: std::collections::HashSet<_> = ApiError::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes.len(), ApiError::ALL.len());
        for error in ApiError::ALL {
            assert_eq!(ApiError::de(error.ser()), error);
        }
    }

    #[test]
    fn a_refusal_has_the_shape_of_the_contract() {
        let json = String::from_utf8(ApiError::Unavailable.ser().to_vec()).unwrap();
        assert_eq!(
            json,
            r#"{"error":{"code":"unavailable","message":"We cannot do that at the moment. Please try again in a few seconds.","retry_after":2}}"#
        );
    }

    #[test]
    fn an_answer_that_is_not_ours_is_an_outage() {
        assert_eq!(ApiError::de(Bytes::from_static(b"<html>bad gateway")), ApiError::Unavailable);
    }
}
