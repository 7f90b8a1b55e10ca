/// Setting `EMAIL_SIGN_IN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSignIn {
    On,
    /// A session opened by email can only add a passkey and sign out (docs/RULES.md, 8).
    RecoveryOnly,
    Off,
}

/// The uses of email on this site, decided once for all services and pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailPolicy {
    sign_in: EmailSignIn,
    can_send: bool,
    has_server: bool,
}

impl EmailPolicy {
    /// `has_server`: `SMTP_URL` is set. `can_send`: there is a transport, even if it is only the development mailbox.
    #[must_use]
    pub fn new(sign_in: EmailSignIn, can_send: bool, has_server: bool) -> Self {
        Self { sign_in, can_send, has_server }
    }

    /// Whether an emailed link or code signs a user in or up.
    #[must_use]
    pub fn signs_in(self) -> bool {
        self.sign_in != EmailSignIn::Off
    }

    /// Whether a session opened by email can only add a passkey.
    #[must_use]
    pub fn is_recovery_only(self) -> bool {
        self.sign_in == EmailSignIn::RecoveryOnly
    }

    /// Whether an emailed link or code confirms a user's identity. If a session opened by email can only add a
    /// passkey, an email must not prove more than that.
    #[must_use]
    pub fn reauthenticates(self) -> bool {
        self.sign_in == EmailSignIn::On
    }

    /// Whether confirmations and security notifications are sent.
    #[must_use]
    pub fn can_send(self) -> bool {
        self.can_send
    }

    /// Whether a new account needs an email address.
    #[must_use]
    pub fn needs_address(self) -> bool {
        self.signs_in() || self.has_server
    }
}
