use bytes::Bytes;
use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

/// Every way in which a call can be refused: a closed set of codes, each with its status and its sentence.
///
/// On the wire: `{"error":{"code":"…","message":"…"}}`, with `retry_after` in seconds where
/// waiting helps and `tries_left` where a code was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "wire::Body", from = "wire::Body")]
pub enum ApiError {
    AccountDisabled,
    AddressTaken,
    BadRequest,
    CeremonyExpired,
    CodeWrong {
        /// Not known where tries are not counted, as with recovery codes.
        tries_left: Option<u8>,
    },
    CrossOrigin,
    EmailOff,
    Internal,
    InvalidDisplayName,
    InvalidEmail,
    InvalidIdentifier,
    InvalidName,
    InvalidUsername,
    InvitationRequired,
    LastWayIn,
    LinkExpired,
    MethodNotAllowed,
    NotFound,
    NotVerified,
    OlderPasskeyRequired,
    OtherAccount,
    OtherBrowser,
    PasskeyExists,
    PasskeyRequired,
    PasskeyTooNew,
    ReauthenticationRequired,
    RenamedRecently,
    SignUpOff,
    SignedOut,
    TooLarge,
    TooManyPasskeys,
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u32,
    },
    Unavailable,
    UnknownPasskey {
        /// Whether the device may forget it, since its account is here and does not know it.
        forget: bool,
    },
    /// Only ever met in the browser: the server could not be reached.
    Unreachable,
    UnsupportedMediaType,
    UsernameTaken,
    WrongUsername,
}

impl ApiError {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 38] = [
        Self::AccountDisabled,
        Self::AddressTaken,
        Self::BadRequest,
        Self::CeremonyExpired,
        Self::CodeWrong { tries_left: None },
        Self::CrossOrigin,
        Self::EmailOff,
        Self::Internal,
        Self::InvalidDisplayName,
        Self::InvalidEmail,
        Self::InvalidIdentifier,
        Self::InvalidName,
        Self::InvalidUsername,
        Self::InvitationRequired,
        Self::LastWayIn,
        Self::LinkExpired,
        Self::MethodNotAllowed,
        Self::NotFound,
        Self::NotVerified,
        Self::OlderPasskeyRequired,
        Self::OtherAccount,
        Self::OtherBrowser,
        Self::PasskeyExists,
        Self::PasskeyRequired,
        Self::PasskeyTooNew,
        Self::ReauthenticationRequired,
        Self::RenamedRecently,
        Self::SignUpOff,
        Self::SignedOut,
        Self::TooLarge,
        Self::TooManyPasskeys,
        Self::TooManyRequests { retry_after: 0 },
        Self::Unavailable,
        Self::UnknownPasskey { forget: false },
        Self::Unreachable,
        Self::UnsupportedMediaType,
        Self::UsernameTaken,
        Self::WrongUsername,
    ];

    /// The name that programs go by.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AccountDisabled => "account_disabled",
            Self::AddressTaken => "address_taken",
            Self::InvitationRequired => "invitation_required",
            Self::SignUpOff => "sign_up_off",
            Self::EmailOff => "email_off",
            Self::InvalidIdentifier => "invalid_identifier",
            Self::InvalidName => "invalid_name",
            Self::LinkExpired => "link_expired",
            Self::LastWayIn => "last_way_in",
            Self::OlderPasskeyRequired => "older_passkey_required",
            Self::PasskeyRequired => "passkey_required",
            Self::PasskeyTooNew => "passkey_too_new",
            Self::RenamedRecently => "renamed_recently",
            Self::WrongUsername => "wrong_username",
            Self::OtherAccount => "other_account",
            Self::OtherBrowser => "other_browser",
            Self::ReauthenticationRequired => "reauthentication_required",
            Self::TooManyPasskeys => "too_many_passkeys",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::CodeWrong { .. } => "code_wrong",
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
            Self::UnknownPasskey { .. } => "unknown_passkey",
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
            Self::CeremonyExpired
            | Self::CodeWrong { .. }
            | Self::LinkExpired
            | Self::NotVerified
            | Self::SignedOut
            | Self::UnknownPasskey { .. } => 401,
            Self::AccountDisabled
            | Self::CrossOrigin
            | Self::InvitationRequired
            | Self::OlderPasskeyRequired
            | Self::PasskeyRequired
            | Self::PasskeyTooNew
            | Self::ReauthenticationRequired => 403,
            Self::EmailOff | Self::NotFound | Self::SignUpOff => 404,
            Self::MethodNotAllowed => 405,
            Self::AddressTaken
            | Self::LastWayIn
            | Self::OtherAccount
            | Self::OtherBrowser
            | Self::PasskeyExists
            | Self::RenamedRecently
            | Self::TooManyPasskeys
            | Self::UsernameTaken => 409,
            Self::TooLarge => 413,
            Self::TooManyRequests { .. } => 429,
            Self::UnsupportedMediaType => 415,
            Self::InvalidDisplayName
            | Self::InvalidEmail
            | Self::InvalidIdentifier
            | Self::InvalidName
            | Self::InvalidUsername
            | Self::WrongUsername => 422,
            Self::Internal => 500,
            Self::Unavailable | Self::Unreachable => 503,
        }
    }

    /// One plain sentence for a person: what happened, or what to do next.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::AccountDisabled => "This account is turned off. Ask those who run this site.",
            Self::InvitationRequired => "To sign up here you need an invitation that is still good.",
            Self::SignUpOff => "Nobody can sign up here at the moment.",
            Self::AddressTaken => "That address already belongs to another account.",
            Self::EmailOff => "Letters are switched off here. Use a passkey.",
            Self::InvalidIdentifier => "Enter your username or your e-mail address.",
            Self::LinkExpired => "This link or code is used up or too old. Ask for a new letter.",
            Self::OtherAccount => "This letter is about another account. Sign in to that account first.",
            Self::OtherBrowser => {
                "This link works only in the browser that asked for it. Go back there, or type the code of the letter there."
            }
            Self::LastWayIn => {
                "This is your only way in, so it stays. Add another passkey or confirm your e-mail address first."
            }
            Self::OlderPasskeyRequired => {
                "No passkey can be added for now. Use an older passkey or a recovery code first; without either, wait 72 hours."
            }
            Self::PasskeyRequired => "You have a passkey. Confirm with it that it is you.",
            Self::PasskeyTooNew => {
                "This passkey was added by letter less than 72 hours ago. Use an older one for this, or wait."
            }
            Self::ReauthenticationRequired => "To do this, please confirm first that it is you.",
            Self::RenamedRecently => {
                "You changed your username less than 30 days ago. Please wait with the next change."
            }
            Self::WrongUsername => "That is not your username. Type it exactly to confirm.",
            Self::TooManyRequests { .. } => "That was a lot in a short time. Please wait a little.",
            Self::TooManyPasskeys => "You have 20 passkeys, which is the most. Remove one first.",
            Self::CodeWrong { tries_left: None } => "That code is not right, or it was used before.",
            Self::CodeWrong { tries_left: Some(0) } => {
                "That code is not right, and this was the last try. Ask for a new letter."
            }
            Self::CodeWrong { tries_left: Some(1) } => "That code is not right. You have one more try.",
            Self::CodeWrong { .. } => "That code is not right. Check the letter and try again.",
            Self::BadRequest => "That request could not be understood. Reload the page and try again.",
            Self::CeremonyExpired => "That took too long, or was started in another browser. Please try again.",
            Self::CrossOrigin => "That request came from another site, so nothing was done.",
            Self::Internal => "Something went wrong on our side. Please try again.",
            Self::InvalidDisplayName | Self::InvalidName => {
                "Use a name of 1 to 64 characters, without control characters."
            }
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
            Self::UnknownPasskey { .. } => "This passkey is no longer known here. Try another one, or sign up.",
            Self::Unreachable => "We could not reach the server. Check your connection and try again.",
            Self::UnsupportedMediaType => "That kind of content is not accepted here.",
            Self::UsernameTaken => "That username is taken. Please choose another.",
        }
    }

    /// Seconds after which trying again makes sense.
    #[must_use]
    pub fn retry_after(self) -> Option<u32> {
        match self {
            Self::Unavailable => Some(2),
            Self::TooManyRequests { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    /// Seconds that a person has to wait, where that is more than a moment.
    #[must_use]
    pub fn wait(self) -> u32 {
        match self {
            Self::TooManyRequests { retry_after } => retry_after,
            _ => 0,
        }
    }

    /// Whether the server surely did not keep the passkey that it was just given, so that the device may drop it. After
    /// an outage nobody knows, and a passkey that exists already is known.
    #[must_use]
    pub fn disowns_passkey(self) -> bool {
        matches!(
            self,
            Self::BadRequest
                | Self::CeremonyExpired
                | Self::InvalidName
                | Self::InvitationRequired
                | Self::NotVerified
                | Self::OlderPasskeyRequired
                | Self::PasskeyTooNew
                | Self::ReauthenticationRequired
                | Self::SignUpOff
                | Self::SignedOut
                | Self::TooManyPasskeys
                | Self::TooManyRequests { .. }
                | Self::UsernameTaken
        )
    }

    /// How many times a code may still be typed.
    #[must_use]
    pub fn tries_left(self) -> Option<u8> {
        match self {
            Self::CodeWrong { tries_left } => tries_left,
            _ => None,
        }
    }

    /// The refusal of that name; a number that belongs to it is left at zero.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }

    /// Whether the device may forget the passkey that it answered with.
    #[must_use]
    pub fn forgets_passkey(self) -> bool {
        matches!(self, Self::UnknownPasskey { forget: true })
    }

    /// The same refusal with what stood beside it.
    #[must_use]
    pub fn with_details(self, tries_left: Option<u8>, retry_after: Option<u32>, forget: bool) -> Self {
        match self {
            Self::CodeWrong { .. } => Self::CodeWrong { tries_left },
            Self::UnknownPasskey { .. } => Self::UnknownPasskey { forget },
            Self::TooManyRequests { .. } => Self::TooManyRequests { retry_after: retry_after.unwrap_or_default() },
            other => other,
        }
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
        std::str::from_utf8(&data).ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Self::Unavailable)
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tries_left: Option<u8>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forget: bool,
    }

    impl From<ApiError> for Body {
        fn from(error: ApiError) -> Self {
            let refusal = Refusal {
                code: error.code().into(),
                message: error.message().into(),
                retry_after: error.retry_after(),
                tries_left: error.tries_left(),
                forget: error.forgets_passkey(),
            };
            Self { error: refusal }
        }
    }

    impl From<Body> for ApiError {
        /// A code this build does not know comes from a newer server: nothing better than "something went wrong".
        fn from(body: Body) -> Self {
            let Refusal { code, tries_left, retry_after, forget, .. } = body.error;
            Self::of_code(&code).map_or(Self::Internal, |error| error.with_details(tries_left, retry_after, forget))
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
    fn a_refusal_has_the_shape_that_the_api_describes() {
        let json = String::from_utf8(ApiError::Unavailable.ser().to_vec()).unwrap();
        assert_eq!(
            json,
            r#"{"error":{"code":"unavailable","message":"We cannot do that at the moment. Please try again in a few seconds.","retry_after":2}}"#
        );
    }

    #[test]
    fn only_a_passkey_of_an_account_that_is_here_is_to_be_forgotten() {
        let error = ApiError::UnknownPasskey { forget: true };
        assert_eq!(ApiError::de(error.ser()), error);
        let json = String::from_utf8(ApiError::UnknownPasskey { forget: false }.ser().to_vec()).unwrap();
        assert!(!json.contains("forget"), "{json}");
    }

    #[test]
    fn an_answer_that_is_not_ours_is_an_outage() {
        assert_eq!(ApiError::de(Bytes::from_static(b"<html>bad gateway")), ApiError::Unavailable);
    }
}
