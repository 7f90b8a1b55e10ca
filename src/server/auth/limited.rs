//! What a limit refuses, as each ceremony tells it.

use super::account::ManageError;
use super::add_passkey::BeginAddPasskeyError;
use super::address::ConfirmError;
use super::letter::AnswerError;
use super::letter_request::RequestEmailError;
use super::reauthentication::RequestReauthenticationError;
use super::recovery::RecoverError;
use super::sign_in::BeginSignInError;
use super::sign_up::{BeginSignUpError, FinishSignUpError};
use crate::server::limiter::Limited;

macro_rules! limited {
    ($($error:ty),* $(,)?) => {$(
        impl From<Limited> for $error {
            fn from(limited: Limited) -> Self {
                match limited {
                    Limited::TooMany(too_many) => Self::TooMany(too_many),
                    Limited::Unavailable(cause) => Self::Unavailable(cause),
                }
            }
        }
    )*};
}

limited! {
    AnswerError,
    RequestEmailError,
    RequestReauthenticationError,
    BeginAddPasskeyError,
    BeginSignInError,
    BeginSignUpError,
    ConfirmError,
    FinishSignUpError,
    ManageError,
    RecoverError,
}
