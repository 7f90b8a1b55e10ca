//! How strongly a session proves who its user is, for the policies of applications.

use super::session::Method;
use super::{Passkey, Session};
use crate::server::clock::Timestamp;

/// How strong a sign-in was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// By a link of an administrator, or by email where email only recovers accounts: it reaches no application.
    NoApplication,
    /// By an email or a recovery code, or with a passkey on probation, which an email alone had added.
    Email,
    Passkey,
    /// With a passkey that says it is not backup-eligible.
    DeviceBoundPasskey,
}

/// What the strength of a session depends on beside the session.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// All of the account's.
    pub passkeys: &'a [Passkey],
    pub rp_id: &'a str,
    /// Setting `EMAIL_SIGN_IN=recovery-only`.
    pub email_only_recovers: bool,
    pub now: Timestamp,
}

/// The strength of a sign-in, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assurance {
    pub strength: Strength,
    pub authenticated_at: Timestamp,
}

impl Assurance {
    /// The assurance of a session now. A passkey that was removed, suspended or made for another site proves no more than an
    /// email.
    #[must_use]
    pub fn of(session: &Session, standing: Standing<'_>) -> Self {
        let Standing { passkeys, rp_id, email_only_recovers, now } = standing;
        let strength = match &session.method {
            Method::BreakGlass => Strength::NoApplication,
            Method::Email if email_only_recovers => Strength::NoApplication,
            Method::Email | Method::Recovery => Strength::Email,
            Method::Passkey(id) => {
                let own = passkeys.iter().find(|passkey| passkey.credential_id == *id && passkey.is_usable(rp_id));
                match own {
                    Some(own) if !session.user_verified || own.on_probation_until(passkeys, rp_id, now).is_some() => {
                        Strength::Email
                    }
                    Some(own) if own.backup_eligible => Strength::Passkey,
                    Some(_) => Strength::DeviceBoundPasskey,
                    None => Strength::Email,
                }
            }
        };
        Self { strength, authenticated_at: session.authenticated_at }
    }

    /// The authentication context class (`acr`): "phishing-resistant", for a passkey with user verification (OpenID Connect
    /// Extended Authentication Profile ACR Values 1.0, section 2).
    #[must_use]
    pub fn acr(self) -> Option<&'static str> {
        (self.strength >= Strength::Passkey).then_some("phr")
    }

    /// The authentication methods (`amr`, RFC 8176). No `hwk`: nothing attests that a key is in hardware.
    #[must_use]
    pub fn amr(self) -> &'static [&'static str] {
        if self.strength >= Strength::Passkey { &["pop", "user", "mfa"] } else { &["otp"] }
    }
}
