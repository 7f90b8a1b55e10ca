use crate::server::Unavailable;
use crate::server::limiter::{LimitError, TooMany};
use crate::types::ApiError;

/// Why a service failed or refused a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An expected outcome, which is reported to the caller.
    #[error("refused: {}", .0.code())]
    Refused(ApiError),
    /// A backend is unavailable. The cause is only for the log.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Error {
    /// The label of the error in metrics.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Refused(ApiError::BadRequest) => "malformed",
            Self::Refused(ApiError::CeremonyExpired | ApiError::LinkExpired) => "expired",
            Self::Refused(ApiError::InvitationRequired | ApiError::SignUpOff) => "not_invited",
            Self::Refused(ApiError::TooManyRequests { .. }) => "too_many",
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

impl From<ApiError> for Error {
    fn from(refusal: ApiError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<LimitError> for Error {
    fn from(limited: LimitError) -> Self {
        match limited {
            LimitError::TooMany(too_many) => Self::Refused(too_many_requests(too_many)),
            LimitError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

/// Whole seconds, rounded up, so that a caller who waits that long is not refused again.
fn too_many_requests(TooMany { retry_after }: TooMany) -> ApiError {
    let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
    ApiError::TooManyRequests { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) }
}

/// The error for a wrong code, with the number of tries left.
pub(super) fn code_wrong(tries_left: u32) -> ApiError {
    ApiError::CodeWrong { tries_left: Some(u8::try_from(tries_left).unwrap_or(u8::MAX)) }
}
