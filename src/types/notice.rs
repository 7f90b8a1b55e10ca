use super::ApiError;

/// A message about what just happened, shown on the next page. A closed set, so that no URL or cookie can make the site
/// show other text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    AddressConfirmed,
    ApplicationSignedOut,
    ConfirmationSent,
    ConfirmationTooSoon,
    ConfirmationUsed,
    ConsentWithdrawn,
    Forgotten,
    /// The object of the form was removed in the meantime.
    Gone,
    EmailSent,
    LinkUsed,
    CodesShown,
    NameChanged,
    NothingToConfirm,
    OfferDeclined,
    PasskeyRemoved,
    PasskeyRenamed,
    Reauthenticated,
    Refused(ApiError),
    SessionsEnded,
    SignInToConfirm,
    SignedOut,
    SignedUp,
    UsernameChanged,
}

/// The severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Success,
    Warning,
    Failure,
}

impl Notice {
    const PLAIN: [Self; 22] = [
        Self::ConfirmationUsed,
        Self::CodesShown,
        Self::SignInToConfirm,
        Self::UsernameChanged,
        Self::AddressConfirmed,
        Self::ApplicationSignedOut,
        Self::ConfirmationSent,
        Self::ConfirmationTooSoon,
        Self::ConsentWithdrawn,
        Self::Forgotten,
        Self::Gone,
        Self::EmailSent,
        Self::LinkUsed,
        Self::NameChanged,
        Self::NothingToConfirm,
        Self::OfferDeclined,
        Self::PasskeyRemoved,
        Self::PasskeyRenamed,
        Self::Reauthenticated,
        Self::SessionsEnded,
        Self::SignedOut,
        Self::SignedUp,
    ];

    /// Its name in a cookie.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::AddressConfirmed => "address_confirmed".to_owned(),
            Self::ApplicationSignedOut => "application_signed_out".to_owned(),
            Self::ConsentWithdrawn => "consent_withdrawn".to_owned(),
            Self::ConfirmationSent => "confirmation_sent".to_owned(),
            Self::ConfirmationTooSoon => "confirmation_too_soon".to_owned(),
            Self::ConfirmationUsed => "confirmation_used".to_owned(),
            Self::Forgotten => "forgotten".to_owned(),
            Self::Gone => "gone".to_owned(),
            Self::EmailSent => "email_sent".to_owned(),
            Self::CodesShown => "codes_shown".to_owned(),
            Self::NameChanged => "name_changed".to_owned(),
            Self::SignInToConfirm => "sign_in_to_confirm".to_owned(),
            Self::UsernameChanged => "username_changed".to_owned(),
            Self::NothingToConfirm => "nothing_to_confirm".to_owned(),
            Self::OfferDeclined => "offer_declined".to_owned(),
            Self::PasskeyRemoved => "passkey_removed".to_owned(),
            Self::Reauthenticated => "reauthenticated".to_owned(),
            Self::LinkUsed => "link_used".to_owned(),
            Self::PasskeyRenamed => "passkey_renamed".to_owned(),
            Self::SessionsEnded => "sessions_ended".to_owned(),
            Self::SignedOut => "signed_out_here".to_owned(),
            Self::SignedUp => "signed_up".to_owned(),
            Self::Refused(ApiError::CodeWrong { tries_left: Some(tries_left) }) => format!("code_wrong.{tries_left}"),
            Self::Refused(ApiError::TooManyRequests { retry_after }) => format!("too_many_requests.{retry_after}"),
            Self::Refused(error) => error.code().to_owned(),
        }
    }

    /// The inverse of [`Notice::code`]; `None` for an unknown code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        if let Some(tries) = code.strip_prefix("code_wrong.") {
            let tries_left = tries.parse().ok().filter(|tries| *tries < 10)?;
            return Some(Self::Refused(ApiError::CodeWrong { tries_left: Some(tries_left) }));
        }
        if let Some(seconds) = code.strip_prefix("too_many_requests.") {
            let retry_after = seconds.parse().ok().filter(|seconds| *seconds <= 86_400)?;
            return Some(Self::Refused(ApiError::TooManyRequests { retry_after }));
        }
        let plain = Self::PLAIN.into_iter().find(|notice| notice.code() == code);
        plain.or_else(|| ApiError::from_code(code).map(Self::Refused))
    }

    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::AddressConfirmed
            | Self::ApplicationSignedOut
            | Self::ConfirmationSent
            | Self::ConsentWithdrawn
            | Self::EmailSent
            | Self::NameChanged
            | Self::PasskeyRemoved
            | Self::PasskeyRenamed
            | Self::Reauthenticated
            | Self::SessionsEnded
            | Self::SignedOut
            | Self::SignedUp
            | Self::UsernameChanged => Severity::Success,
            Self::ConfirmationTooSoon
            | Self::ConfirmationUsed
            | Self::Forgotten
            | Self::CodesShown
            | Self::LinkUsed
            | Self::SignInToConfirm
            | Self::NothingToConfirm
            | Self::OfferDeclined => Severity::Warning,
            Self::Gone | Self::Refused(_) => Severity::Failure,
        }
    }

    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::AddressConfirmed => "Your email address is confirmed.",
            Self::ApplicationSignedOut => "Signed out of the application.",
            Self::ConsentWithdrawn => "Access withdrawn. The application must ask again.",
            Self::ConfirmationSent => "We've emailed you a link and a code to confirm your address.",
            Self::ConfirmationTooSoon => "We sent you an email less than a minute ago. Check your inbox.",
            Self::Forgotten => "Account removed from this browser.",
            Self::Gone => "Nothing has changed: that entry was already removed.",
            Self::EmailSent => "Email sent.",
            Self::NameChanged => "Name saved.",
            Self::NothingToConfirm => "Your address is already confirmed.",
            Self::PasskeyRemoved => "Passkey removed.",
            Self::Reauthenticated => "Thanks. Nothing has changed yet; please try again now.",
            Self::OfferDeclined => "OK, we won't ask again for 30 days.",
            Self::ConfirmationUsed => {
                "That link was already used or has expired. Your confirmed address is shown below."
            }
            Self::CodesShown => "Recovery codes are shown only once. If you didn't save them, replace them.",
            Self::LinkUsed => "That link was already used or has expired. You're still signed in.",
            Self::SignInToConfirm => "Sign in to confirm your address.",
            Self::UsernameChanged => "Username saved.",
            Self::Refused(error) => error.message(),
            Self::PasskeyRenamed => "Passkey renamed.",
            Self::SessionsEnded => "Signed out elsewhere. You're still signed in here.",
            Self::SignedOut => "You're signed out.",
            Self::SignedUp => "Welcome! We've emailed you a link to confirm your address.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_round_trip_through_codes() {
        let refusals = ApiError::ALL.iter().copied().map(Notice::Refused);
        for notice in Notice::PLAIN.into_iter().chain(refusals) {
            assert_eq!(Notice::parse(&notice.code()), Some(notice));
            assert!(!notice.message().is_empty());
        }
    }

    #[test]
    fn unknown_codes_are_rejected() {
        for code in [
            "",
            "You won!",
            "<b>",
            "code_wrong.",
            "code_wrong.99",
            "code_wrong.-1",
            "too_many_requests.x",
            "signed_out_here ",
        ] {
            assert_eq!(Notice::parse(code), None, "{code}");
        }
    }
}
