mod wire;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

/// The table of refusals: variant (with its field), code, HTTP status (RFC 9110, section 15) and sentence.
macro_rules! refusals {
    ($($(#[$meta:meta])* $variant:ident $({ $field:ident: $kind:ty = $default:expr })? = $code:literal, $status:literal, $sentence:literal;)*) => {
        /// Every way in which a call can be refused: a closed set of codes.
        ///
        /// On the wire: `{"error":{"code":"…","message":"…"}}`, with `retry_after` in seconds if waiting helps, and
        /// `tries_left` if a code was wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(into = "wire::Body", from = "wire::Body")]
        pub enum ApiError {
            $($(#[$meta])* $variant $({ $field: $kind })?,)*
        }

        impl ApiError {
            /// All refusals, for tables and tests.
            pub const ALL: &[Self] = &[$(Self::$variant $({ $field: $default })?,)*];

            /// The code, for programs.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant $({ $field: _ })? => $code,)* }
            }

            /// The HTTP status of the response.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant $({ $field: _ })? => $status,)* }
            }

            fn sentence(self) -> &'static str {
                match self { $(Self::$variant $({ $field: _ })? => $sentence,)* }
            }
        }
    };
}

refusals! {
    AccountDisabled = "account_disabled", 403, "This account is disabled. Contact your administrator.";
    AddressTaken = "address_taken", 409, "Another account already uses this email address.";
    BadRequest = "bad_request", 400, "The request is invalid. Reload the page and try again.";
    CeremonyExpired = "ceremony_expired", 401, "This request has expired. Please try again.";
    /// `None` if tries are not counted, as for recovery codes.
    CodeWrong { tries_left: Option<u8> = None } = "code_wrong", 401, "This code is wrong. Check the email and try again.";
    CrossOrigin = "cross_origin", 403, "The request came from another site and was blocked.";
    EmailOff = "email_off", 404, "Sign-in by email is off. Use a passkey.";
    Internal = "internal", 500, "Something went wrong on our side. Please try again.";
    InvalidDisplayName = "invalid_display_name", 422, "Use a name of 1 to 64 characters, without control characters.";
    InvalidEmail = "invalid_email", 422, "Enter an email address such as name@example.org.";
    InvalidIdentifier = "invalid_identifier", 422, "Enter your username or email address.";
    InvalidName = "invalid_name", 422, "Use a name of 1 to 64 characters, without control characters.";
    InvalidUsername = "invalid_username", 422, "Use 3 to 32 letters, digits, dots, hyphens or underscores, beginning with a letter or digit.";
    InvitationRequired = "invitation_required", 403, "You need a valid invitation to sign up.";
    LastSignInMethod = "last_way_in", 409, "You can't remove your only sign-in method. Add another passkey first.";
    LinkExpired = "link_expired", 401, "This link or code has expired or was already used. Request a new email.";
    MethodNotAllowed = "method_not_allowed", 405, "This page can't be opened that way.";
    NotFound = "not_found", 404, "This page or entry doesn't exist or was removed.";
    /// Whether the passkey is valid but suspended.
    NotVerified { suspended: bool = false } = "not_verified", 401, "Your passkey couldn't be verified. Please try again.";
    OlderPasskeyRequired = "older_passkey_required", 403, "New passkeys are blocked. Use an older passkey or a recovery code first. If you have neither, wait 72 hours.";
    OtherAccount = "other_account", 409, "This email is for another account. Sign in to that account first.";
    OtherBrowser = "other_browser", 409, "This link only works in the browser that requested it. Open it there, or enter the code from the email there.";
    PasskeyExists = "passkey_exists", 409, "This passkey already belongs to an account. Sign in with it instead.";
    PasskeyOnProbation = "passkey_too_new", 403, "This passkey was added less than 72 hours ago, after a sign-in by email or with an administrator's link. Use an older one, or wait.";
    PasskeyRequired = "passkey_required", 403, "Confirm it's you with your passkey.";
    ReauthenticationRequired = "reauthentication_required", 403, "Confirm it's you first.";
    RenamedRecently = "renamed_recently", 409, "You can change your username once every 30 days.";
    SignUpOff = "sign_up_off", 404, "Sign-up is closed at the moment.";
    SignedOut = "signed_out", 401, "You're signed out. Please sign in.";
    TooLarge = "too_large", 413, "The request is too large.";
    TooManyPasskeys = "too_many_passkeys", 409, "You can have up to 20 passkeys. Remove one first.";
    /// Seconds to wait.
    TooManyRequests { retry_after: u32 = 0 } = "too_many_requests", 429, "Too many attempts. Please wait a moment.";
    Unavailable = "unavailable", 503, "This isn't available right now. Please try again in a few seconds.";
    /// Whether the device may forget the passkey, since its account exists and does not have it.
    UnknownPasskey { forget: bool = false } = "unknown_passkey", 401, "This passkey was removed from its account. Try another one, or sign up.";
    /// Only occurs in the browser: the server could not be reached.
    Unreachable = "unreachable", 503, "We couldn't reach the server. Check your connection and try again.";
    UnsupportedMediaType = "unsupported_media_type", 415, "This content type isn't supported.";
    UsernameTaken = "username_taken", 409, "This username is taken. Choose another.";
    WrongUsername = "wrong_username", 422, "That isn't your username. Enter it exactly to confirm.";
}

/// The members of a refusal besides its code and message; each belongs to one code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Details {
    pub tries_left: Option<u8>,
    pub retry_after: Option<u32>,
    pub forget: bool,
    pub suspended: bool,
}

impl ApiError {
    /// The passkey or its response is not valid.
    pub const NOT_VERIFIED: Self = Self::NotVerified { suspended: false };

    /// The sentence for the user: what happened, or what to do next.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::CodeWrong { tries_left: None } => "This code is wrong or was already used.",
            Self::CodeWrong { tries_left: Some(0) } => {
                "This code is wrong, and that was your last attempt. Request a new email."
            }
            Self::CodeWrong { tries_left: Some(1) } => "This code is wrong. You have one attempt left.",
            Self::NotVerified { suspended: true } => "This passkey is suspended. Sign in another way, then remove it.",
            _ => self.sentence(),
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

    /// Seconds that the user has to wait; 0 if that is only a moment.
    #[must_use]
    pub fn wait(self) -> u32 {
        match self {
            Self::TooManyRequests { retry_after } => retry_after,
            _ => 0,
        }
    }

    /// Whether the server certainly did not store the new passkey, so that the device may remove it. After an outage
    /// that is uncertain, and a passkey that already exists is stored.
    #[must_use]
    pub fn rejects_new_passkey(self) -> bool {
        matches!(
            self,
            Self::BadRequest
                | Self::CeremonyExpired
                | Self::InvalidName
                | Self::InvitationRequired
                | Self::NotVerified { .. }
                | Self::OlderPasskeyRequired
                | Self::PasskeyOnProbation
                | Self::ReauthenticationRequired
                | Self::SignUpOff
                | Self::SignedOut
                | Self::TooManyPasskeys
                | Self::TooManyRequests { .. }
                | Self::UsernameTaken
        )
    }

    /// Whether it is about one field of a sign-up, and shown next to it.
    #[must_use]
    pub fn is_about_sign_up_field(self) -> bool {
        matches!(self, Self::InvalidDisplayName | Self::InvalidEmail | Self::InvalidUsername | Self::UsernameTaken)
    }

    /// How many tries are left for a code.
    #[must_use]
    pub fn tries_left(self) -> Option<u8> {
        match self {
            Self::CodeWrong { tries_left } => tries_left,
            _ => None,
        }
    }

    /// The refusal with this code, with default details.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|error| error.code() == code)
    }

    /// Whether the device may forget the passkey that it used.
    #[must_use]
    pub fn allows_forgetting_passkey(self) -> bool {
        matches!(self, Self::UnknownPasskey { forget: true })
    }

    /// Whether the passkey is suspended.
    #[must_use]
    pub fn is_passkey_suspended(self) -> bool {
        matches!(self, Self::NotVerified { suspended: true })
    }

    /// The same refusal with the members that belong to its code.
    #[must_use]
    pub fn with_details(self, details: Details) -> Self {
        match self {
            Self::CodeWrong { .. } => Self::CodeWrong { tries_left: details.tries_left },
            Self::NotVerified { .. } => Self::NotVerified { suspended: details.suspended },
            Self::UnknownPasskey { .. } => Self::UnknownPasskey { forget: details.forget },
            Self::TooManyRequests { .. } => {
                Self::TooManyRequests { retry_after: details.retry_after.unwrap_or_default() }
            }
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

    /// Reads a refusal; any other body, such as a proxy's error page, counts as an outage.
    fn de(data: Bytes) -> Self {
        std::str::from_utf8(&data).ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Self::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_round_trip() {
        let codes: std::collections::HashSet<_> = ApiError::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes.len(), ApiError::ALL.len());
        for error in ApiError::ALL {
            assert_eq!(ApiError::de(error.ser()), *error);
        }
    }

    #[test]
    fn refusals_serialize_as_documented() {
        let json = String::from_utf8(ApiError::Unavailable.ser().to_vec()).unwrap();
        assert_eq!(
            json,
            r#"{"error":{"code":"unavailable","message":"This isn't available right now. Please try again in a few seconds.","retry_after":2}}"#
        );
    }

    #[test]
    fn forget_is_serialized_only_when_true() {
        let error = ApiError::UnknownPasskey { forget: true };
        assert_eq!(ApiError::de(error.ser()), error);
        let json = String::from_utf8(ApiError::UnknownPasskey { forget: false }.ser().to_vec()).unwrap();
        assert!(!json.contains("forget"), "{json}");
    }

    #[test]
    fn suspended_passkeys_share_the_code_but_not_the_message() {
        let (suspended, other) =
            (ApiError::NotVerified { suspended: true }, ApiError::NotVerified { suspended: false });
        assert_eq!(suspended.code(), other.code());
        assert_ne!(suspended.message(), other.message());
        assert_eq!(ApiError::de(suspended.ser()), suspended);
        let json = String::from_utf8(other.ser().to_vec()).unwrap();
        assert!(!json.contains("suspended"), "{json}");
    }

    #[test]
    fn foreign_bodies_count_as_an_outage() {
        assert_eq!(ApiError::de(Bytes::from_static(b"<html>bad gateway")), ApiError::Unavailable);
    }
}
