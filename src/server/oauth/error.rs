use crate::server::Unavailable;
use crate::server::limiter::{LimitError, TooMany};
use std::time::Duration;

macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $status:literal;)*) => {
        /// The error codes of OAuth 2.0 (RFC 6749, sections 4.1.2.1 and 5.2) and OpenID Connect (Core, section
        /// 3.1.2.6), each with its HTTP status for responses that are not redirects.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$meta])* $variant,)*
        }

        impl ErrorCode {
            /// Its name on the wire.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    AccessDenied = "access_denied", 403;
    ConsentRequired = "consent_required", 400;
    InsufficientScope = "insufficient_scope", 403;
    InvalidClient = "invalid_client", 401;
    InvalidGrant = "invalid_grant", 400;
    InvalidRequest = "invalid_request", 400;
    InvalidScope = "invalid_scope", 400;
    /// RFC 8707, section 2.
    InvalidTarget = "invalid_target", 400;
    InvalidToken = "invalid_token", 401;
    LoginRequired = "login_required", 400;
    RequestNotSupported = "request_not_supported", 400;
    RequestUriNotSupported = "request_uri_not_supported", 400;
    ServerError = "server_error", 500;
    TemporarilyUnavailable = "temporarily_unavailable", 503;
    UnauthorizedClient = "unauthorized_client", 400;
    UnmetAuthenticationRequirements = "unmet_authentication_requirements", 400;
    UnsupportedGrantType = "unsupported_grant_type", 400;
    UnsupportedResponseType = "unsupported_response_type", 400;
    UnsupportedTokenType = "unsupported_token_type", 400;
}

/// An error response to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    /// For developers, in English: printable ASCII without quotation marks and backslashes (RFC 6749, section 5.2).
    pub description: &'static str,
    /// How long the application should wait before it retries.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    #[must_use]
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        Self { code, description, retry_after: None }
    }

    #[must_use]
    pub const fn invalid_request(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    #[must_use]
    pub const fn invalid_grant(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }

    /// A backend is unavailable.
    pub const UNAVAILABLE: Self = Self {
        code: ErrorCode::TemporarilyUnavailable,
        description: "a backend is unavailable; try again in a few seconds",
        retry_after: Some(Duration::from_secs(2)),
    };
}

impl From<Unavailable> for Refusal {
    fn from(cause: Unavailable) -> Self {
        cause.log();
        Self::UNAVAILABLE
    }
}

impl From<LimitError> for Refusal {
    fn from(limited: LimitError) -> Self {
        match limited {
            LimitError::Unavailable(cause) => cause.into(),
            LimitError::TooMany(TooMany { retry_after }) => Self {
                code: ErrorCode::TemporarilyUnavailable,
                description: "too many requests; wait as long as Retry-After says",
                retry_after: Some(retry_after),
            },
        }
    }
}
