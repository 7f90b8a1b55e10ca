//! How strongly a session authenticates its user, for the policies of applications.

use super::session::Method;
use super::{AddedWith, Passkey, Session};
use crate::server::clock::Timestamp;

/// The strength of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// By an administrator's link, or by email if email only recovers accounts: no application accepts it.
    NoApplication,
    /// By email or recovery code, or with a passkey on probation that was added by email alone.
    Email,
    Passkey,
    /// With a passkey that reports that it is not backup-eligible.
    DeviceBoundPasskey,
}

/// How and when a user proved their identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    pub method: Method,
    pub user_verified: bool,
    pub at: Timestamp,
}

impl Authentication {
    /// The authentication of a session.
    #[must_use]
    pub fn from_session(session: &Session) -> Self {
        let Session { method, user_verified, authenticated_at: at, .. } = session;
        Self { method: method.clone(), user_verified: *user_verified, at: *at }
    }
}

/// The facts about the account and the site that the strength of an authentication depends on.
#[derive(Clone, Copy, Debug)]
pub struct AssuranceInput<'a> {
    /// All passkeys of the account.
    pub passkeys: &'a [Passkey],
    pub rp_id: &'a str,
    /// Setting `EMAIL_SIGN_IN=recovery-only`.
    pub email_only_recovers: bool,
    pub now: Timestamp,
}

impl AssuranceInput<'_> {
    /// Whether the account has a usable passkey that is off probation.
    #[must_use]
    pub fn has_settled_passkey(self) -> bool {
        let Self { passkeys, rp_id, now, .. } = self;
        let is_settled = |passkey: &Passkey| passkey.on_probation_until(passkeys, rp_id, now).is_none();
        passkeys.iter().any(|passkey| passkey.is_usable(rp_id) && is_settled(passkey))
    }
}

/// The strength of a sign-in, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assurance {
    pub strength: Strength,
    pub authenticated_at: Timestamp,
}

impl Assurance {
    /// The current assurance of an authentication. A passkey that was removed, suspended or created for another site
    /// proves no more than an email.
    #[must_use]
    pub fn new(authentication: &Authentication, input: AssuranceInput<'_>) -> Self {
        let AssuranceInput { passkeys, rp_id, email_only_recovers, now } = input;
        // With this setting, access to a mailbox opens no application, however the mailbox was used.
        let by_email = if email_only_recovers { Strength::NoApplication } else { Strength::Email };
        let strength = match &authentication.method {
            Method::BreakGlass => Strength::NoApplication,
            Method::Email => by_email,
            Method::Recovery => Strength::Email,
            Method::Passkey(id) => {
                let own = passkeys.iter().find(|passkey| passkey.credential_id == *id && passkey.is_usable(rp_id));
                let on_probation = own.is_some_and(|own| own.on_probation_until(passkeys, rp_id, now).is_some());
                match own {
                    Some(own) if on_probation && own.added_with == AddedWith::BreakGlass => Strength::NoApplication,
                    Some(own) if authentication.user_verified && !on_probation => {
                        if own.backup_eligible {
                            Strength::Passkey
                        } else {
                            Strength::DeviceBoundPasskey
                        }
                    }
                    Some(_) | None => by_email,
                }
            }
        };
        Self { strength, authenticated_at: authentication.at }
    }

    /// The authentication context class (`acr`): "phishing-resistant", for a passkey with user verification (OpenID
    /// Connect Extended Authentication Profile ACR Values 1.0, section 2).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::model::{Client, CredentialId, SessionId, UserId};
    use crate::server::secret::{SystemEntropy, TokenHash};
    use std::time::Duration;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::from_unix_millis(1_795_000_000_000);
    const SITE: &str = "id.example";

    fn passkey(id: u8, added_with: AddedWith) -> Passkey {
        Passkey {
            credential_id: CredentialId::new(vec![id]).unwrap(),
            user_id: UserId(Uuid::nil()),
            rp_id: SITE.to_owned(),
            name: "Passkey".to_owned(),
            record: String::new(),
            record_version: 1,
            aaguid: Uuid::nil(),
            transports: String::new(),
            backup_eligible: true,
            backed_up: true,
            sign_count: 0,
            // The passkey with the lowest id is the oldest.
            created_at: NOW.plus(Duration::from_secs(u64::from(id))),
            last_used_at: None,
            last_used_on: Client::UNKNOWN,
            added_with,
            suspended_at: None,
        }
    }

    fn session(method: Method) -> Session {
        Session {
            id: SessionId::new(NOW, &SystemEntropy),
            user_id: UserId(Uuid::nil()),
            token_hash: TokenHash([0; 32]),
            user_verified: matches!(method, Method::Passkey(_)),
            method,
            authenticated_at: NOW,
            created_at: NOW,
            last_seen_at: NOW,
            ends_at: NOW,
            idle: Duration::ZERO,
            client: Client::UNKNOWN,
            offers_passkey: false,
            added_passkey: false,
            kept: false,
        }
    }

    fn strength(session: &Session, passkeys: &[Passkey], email_only_recovers: bool) -> Strength {
        let now = NOW.plus(Duration::from_hours(1));
        let input = AssuranceInput { passkeys, rp_id: SITE, email_only_recovers, now };
        Assurance::new(&Authentication::from_session(session), input).strength
    }

    fn with(id: u8) -> Session {
        session(Method::Passkey(CredentialId::new(vec![id]).unwrap()))
    }

    #[test]
    fn each_method_has_its_strength_and_recovery_only_weakens_email() {
        use Strength::{Email, NoApplication};
        for (method, usual, recovery_only) in [
            (Method::Email, Email, NoApplication),
            (Method::Recovery, Email, Email),
            (Method::BreakGlass, NoApplication, NoApplication),
        ] {
            let session = session(method);
            assert_eq!(strength(&session, &[], false), usual, "{:?}", session.method);
            assert_eq!(strength(&session, &[], true), recovery_only, "{:?}", session.method);
        }
    }

    #[test]
    fn a_passkey_counts_while_it_is_usable_and_off_probation() {
        let synced = passkey(1, AddedWith::SignUp);
        let bound = Passkey { backup_eligible: false, backed_up: false, ..synced.clone() };
        assert_eq!(strength(&with(1), std::slice::from_ref(&synced), true), Strength::Passkey);
        assert_eq!(strength(&with(1), &[bound], true), Strength::DeviceBoundPasskey);
        let suspended = Passkey { suspended_at: Some(NOW), ..synced.clone() };
        let elsewhere = Passkey { rp_id: "other.example".to_owned(), ..synced.clone() };
        for passkeys in [vec![], vec![suspended], vec![elsewhere]] {
            assert_eq!(strength(&with(1), &passkeys, false), Strength::Email, "{passkeys:?}");
            assert_eq!(strength(&with(1), &passkeys, true), Strength::NoApplication, "{passkeys:?}");
        }
        let unverified = Session { user_verified: false, ..with(1) };
        assert_eq!(strength(&unverified, &[synced], false), Strength::Email);
    }

    #[test]
    fn a_passkey_on_probation_counts_as_the_method_that_added_it() {
        for (added_with, usual, recovery_only) in [
            (AddedWith::Email, Strength::Email, Strength::NoApplication),
            (AddedWith::BreakGlass, Strength::NoApplication, Strength::NoApplication),
            (AddedWith::RecoveryCode, Strength::Passkey, Strength::Passkey),
        ] {
            let passkeys = [passkey(1, AddedWith::SignUp), passkey(2, added_with)];
            assert_eq!(strength(&with(2), &passkeys, false), usual, "{added_with:?}");
            assert_eq!(strength(&with(2), &passkeys, true), recovery_only, "{added_with:?}");
        }
    }

    #[test]
    fn only_a_passkey_is_phishing_resistant() {
        let of = |strength| Assurance { strength, authenticated_at: NOW };
        for strength in [Strength::NoApplication, Strength::Email] {
            assert_eq!((of(strength).acr(), of(strength).amr()), (None, &["otp"][..]));
        }
        for strength in [Strength::Passkey, Strength::DeviceBoundPasskey] {
            assert_eq!((of(strength).acr(), of(strength).amr()), (Some("phr"), &["pop", "user", "mfa"][..]));
        }
    }
}
