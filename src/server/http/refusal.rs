//! Refusals on their way to the wire: each error of a ceremony becomes a code; causes are logged here, once.

use crate::server::Unavailable;
use crate::server::auth::{
    AnswerError, BeginAddPasskeyError, BeginSignInError, BeginSignUpError, ConfirmError, Denied, FinishAddPasskeyError,
    FinishSignInError, FinishSignUpError, Malformed, ManageError, NotInvited, NotificationError, ReauthenticateError,
    RecoverError, RequestEmailError, RequestReauthenticationError, RequestSignUpError,
};
use crate::server::limiter::{Limited, TooMany};
use crate::types::ApiError;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use server_fn::error::FromServerFnError;

/// The answer that carries a refusal as JSON; for who reads HTML, a page is put in its place on the way out.
#[must_use]
pub fn refuse(error: ApiError) -> Response<Body> {
    let mut response = Response::new(Body::from(error.ser()));
    response.extensions_mut().insert(error);
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

impl From<TooMany> for ApiError {
    /// Whole seconds, rounded up: whoever waits so long is let in.
    fn from(TooMany { retry_after }: TooMany) -> Self {
        let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
        Self::TooManyRequests { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) }
    }
}

impl From<Limited> for ApiError {
    fn from(limited: Limited) -> Self {
        match limited {
            Limited::TooMany(too_many) => too_many.into(),
            Limited::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<NotInvited> for ApiError {
    fn from(cause: NotInvited) -> Self {
        match cause {
            NotInvited::Off => Self::SignUpOff,
            NotInvited::InvitationRequired => Self::InvitationRequired,
        }
    }
}

impl From<BeginSignInError> for ApiError {
    fn from(error: BeginSignInError) -> Self {
        match error {
            BeginSignInError::TooMany(too_many) => too_many.into(),
            BeginSignInError::Unavailable(cause) => cause.into(),
        }
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
            BeginSignUpError::NotInvited(cause) => cause.into(),
            BeginSignUpError::TooMany(too_many) => too_many.into(),
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
            FinishSignUpError::NotInvited(cause) => cause.into(),
            FinishSignUpError::TooMany(too_many) => too_many.into(),
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
            FinishSignInError::UnknownPasskey { is_ours } => Self::UnknownPasskey { forget: is_ours },
            FinishSignInError::AccountDisabled => Self::AccountDisabled,
            FinishSignInError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<RequestEmailError> for ApiError {
    fn from(error: RequestEmailError) -> Self {
        match error {
            RequestEmailError::EmailOff => Self::EmailOff,
            RequestEmailError::InvalidIdentifier => Self::InvalidIdentifier,
            RequestEmailError::TooMany(too_many) => too_many.into(),
            RequestEmailError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<RequestSignUpError> for ApiError {
    fn from(error: RequestSignUpError) -> Self {
        match error {
            RequestSignUpError::EmailOff => Self::EmailOff,
            RequestSignUpError::Form(error) => error.into(),
        }
    }
}

impl From<AnswerError> for ApiError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::EmailOff => Self::EmailOff,
            AnswerError::Expired => Self::LinkExpired,
            AnswerError::OtherBrowser => Self::OtherBrowser,
            AnswerError::CodeWrong { tries_left } => Self::CodeWrong { tries_left: Some(tries(tries_left)) },
            AnswerError::InvalidUsername => Self::InvalidUsername,
            AnswerError::NotInvited(cause) => cause.into(),
            AnswerError::UsernameTaken => Self::UsernameTaken,
            AnswerError::Raced => Unavailable::new("address", "proven by others twice in a moment").into(),
            AnswerError::TooMany(too_many) => too_many.into(),
            AnswerError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<ConfirmError> for ApiError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Expired => Self::LinkExpired,
            ConfirmError::CodeWrong { tries_left } => Self::CodeWrong { tries_left: Some(tries(tries_left)) },
            ConfirmError::EmailOff => Self::EmailOff,
            ConfirmError::OtherAccount => Self::OtherAccount,
            ConfirmError::OtherBrowser => Self::OtherBrowser,
            ConfirmError::AddressTaken => Self::AddressTaken,
            ConfirmError::Confined => Self::ReauthenticationRequired,
            ConfirmError::SignedOut => Self::SignedOut,
            ConfirmError::TooMany(too_many) => too_many.into(),
            ConfirmError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<BeginAddPasskeyError> for ApiError {
    fn from(error: BeginAddPasskeyError) -> Self {
        match error {
            BeginAddPasskeyError::Denied(denied) => denied.into(),
            BeginAddPasskeyError::TooMany(too_many) => too_many.into(),
            BeginAddPasskeyError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<FinishAddPasskeyError> for ApiError {
    fn from(error: FinishAddPasskeyError) -> Self {
        match error {
            FinishAddPasskeyError::Malformed => Self::BadRequest,
            FinishAddPasskeyError::InvalidName => Self::InvalidName,
            FinishAddPasskeyError::Expired => Self::CeremonyExpired,
            FinishAddPasskeyError::NotVerified => Self::NotVerified,
            FinishAddPasskeyError::Denied(denied) => denied.into(),
            FinishAddPasskeyError::PasskeyExists => Self::PasskeyExists,
            FinishAddPasskeyError::TooManyPasskeys => Self::TooManyPasskeys,
            FinishAddPasskeyError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<ManageError> for ApiError {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Denied(denied) => denied.into(),
            ManageError::EmailOff => Self::EmailOff,
            ManageError::InvalidDisplayName => Self::InvalidDisplayName,
            ManageError::InvalidEmail => Self::InvalidEmail,
            ManageError::InvalidName => Self::InvalidName,
            ManageError::InvalidUsername => Self::InvalidUsername,
            ManageError::LastWayIn => Self::LastWayIn,
            ManageError::NotFound => Self::NotFound,
            ManageError::RenamedRecently => Self::RenamedRecently,
            ManageError::UsernameTaken => Self::UsernameTaken,
            ManageError::WrongUsername => Self::WrongUsername,
            ManageError::TooMany(too_many) => too_many.into(),
            ManageError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::ReauthenticationRequired => Self::ReauthenticationRequired,
            Denied::PasskeyTooNew => Self::PasskeyTooNew,
            Denied::OlderPasskeyRequired => Self::OlderPasskeyRequired,
            Denied::SignedOut => Self::SignedOut,
            Denied::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<ReauthenticateError> for ApiError {
    fn from(error: ReauthenticateError) -> Self {
        match error {
            ReauthenticateError::SignedOut => Self::SignedOut,
            ReauthenticateError::Passkey(error) => error.into(),
        }
    }
}

impl From<RequestReauthenticationError> for ApiError {
    fn from(error: RequestReauthenticationError) -> Self {
        match error {
            RequestReauthenticationError::EmailOff => Self::EmailOff,
            RequestReauthenticationError::PasskeyRequired => Self::PasskeyRequired,
            RequestReauthenticationError::TooMany(too_many) => too_many.into(),
            RequestReauthenticationError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<RecoverError> for ApiError {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::CodeWrong => Self::CodeWrong { tries_left: None },
            RecoverError::TooMany(too_many) => too_many.into(),
            RecoverError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<NotificationError> for ApiError {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::Expired => Self::LinkExpired,
            NotificationError::AddressTaken => Self::AddressTaken,
            NotificationError::Unavailable(cause) => cause.into(),
        }
    }
}

fn tries(left: u32) -> u8 {
    u8::try_from(left).unwrap_or(u8::MAX)
}
