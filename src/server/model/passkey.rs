use super::probation::PROBATION;
use super::{Client, UserId};
use crate::server::clock::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use uuid::Uuid;

/// The id that an authenticator gave a passkey: 1 to 1023 bytes (WebAuthn Level 3, section 4, "Credential ID").
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    const LENGTH: std::ops::RangeInclusive<usize> = 1..=1023;

    /// `None` if the length is out of range.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        Self::LENGTH.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Parses the text form of a credential id: base64url without padding.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().and_then(Self::new)
    }

    /// The inverse of [`CredentialId::decode`].
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encode())
    }
}

/// A stored passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    pub credential_id: CredentialId,
    pub user_id: UserId,
    /// The relying party that it was created for; it cannot sign in anywhere else.
    pub rp_id: String,
    /// The name that its owner chose.
    pub name: String,
    /// The JSON of the WebAuthn library, in the version `record_version`.
    pub record: String,
    pub record_version: i64,
    /// The kind of authenticator; unattested, so for display only.
    pub aaguid: Uuid,
    /// As reported by the browser, comma-separated; sent back in `excludeCredentials` and `allowCredentials`.
    pub transports: String,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// The browser and system that it was last used on.
    pub last_used_on: Client,
    pub added_with: AddedWith,
    /// When it was suspended by a report ("This wasn't me").
    pub suspended_at: Option<Timestamp>,
}

/// The sign-in method of the session in which a passkey was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddedWith {
    /// It was created with the account.
    SignUp,
    Passkey,
    Email,
    RecoveryCode,
    /// A sign-in link from an administrator.
    BreakGlass,
}

impl AddedWith {
    const ALL: [Self; 5] = [Self::SignUp, Self::Passkey, Self::Email, Self::RecoveryCode, Self::BreakGlass];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Passkey => "passkey",
            Self::Email => "letter",
            Self::RecoveryCode => "recovery-code",
            Self::BreakGlass => "sign-in-link",
        }
    }

    /// The inverse of [`AddedWith::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }
}

impl Passkey {
    /// Whether a use is refused because the counter did not increase (WebAuthn Level 3, section 7.2, step 22).
    #[must_use]
    pub fn has_stale_counter(&self, used: &PasskeyUse) -> bool {
        self.suspended_at.is_none() && self.sign_count > 0 && used.sign_count <= self.sign_count
    }

    /// Whether it can sign in to this relying party.
    #[must_use]
    pub fn is_usable(&self, rp_id: &str) -> bool {
        self.rp_id == rp_id && self.suspended_at.is_none()
    }

    /// Whether it was added by email or an administrator's link alone, less than 72 hours ago.
    #[must_use]
    pub fn is_within_probation(&self, now: Timestamp) -> bool {
        let is_watched = matches!(self.added_with, AddedWith::Email | AddedWith::BreakGlass);
        is_watched && now.since(self.created_at) < PROBATION
    }

    /// When its probation ends: it was recently added by email alone, and the account has an older usable passkey.
    /// `passkeys` are all passkeys of the account.
    #[must_use]
    pub fn on_probation_until(&self, passkeys: &[Self], rp_id: &str, now: Timestamp) -> Option<Timestamp> {
        let is_older = |other: &Self| other.is_usable(rp_id) && other.created_at < self.created_at;
        (self.is_within_probation(now) && passkeys.iter().any(is_older)).then(|| self.created_at.plus(PROBATION))
    }

    /// Whether it is stored on a phone or computer, not on a security key.
    #[must_use]
    pub fn is_on_device(&self) -> bool {
        self.transports().any(|transport| matches!(transport, "internal" | "hybrid"))
    }

    /// Its transports by their current names (WebAuthn Level 3, section 5.8.4, or newer).
    pub fn transports(&self) -> impl Iterator<Item = &str> {
        self.transports.split(',').filter(|word| !word.is_empty()).map(current_transport_name)
    }
}

/// The current name of a transport.
#[must_use]
pub fn current_transport_name(transport: &str) -> &str {
    if transport == "cable" { "hybrid" } else { transport }
}

/// The passkey data of a verified assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    pub record: String,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
    pub at: Timestamp,
    pub on: Client,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_passkeys_added_by_email_have_three_days_of_probation() {
        let made = Timestamp::from_unix_millis(1_795_000_000_000);
        let passkey = |added_with| Passkey {
            credential_id: CredentialId::new(vec![1]).unwrap(),
            user_id: UserId(Uuid::nil()),
            rp_id: "localhost".to_owned(),
            name: "Passkey".to_owned(),
            record: String::new(),
            record_version: 1,
            aaguid: Uuid::nil(),
            transports: "internal,hybrid".to_owned(),
            backup_eligible: false,
            backed_up: false,
            sign_count: 0,
            created_at: made,
            last_used_at: None,
            last_used_on: Client::UNKNOWN,
            added_with,
            suspended_at: None,
        };
        let last = made.plus(PROBATION).minus(Duration::from_millis(1));
        assert!(
            passkey(AddedWith::Email).is_within_probation(last)
                && !passkey(AddedWith::Email).is_within_probation(made.plus(PROBATION))
        );
        for way in [AddedWith::SignUp, AddedWith::Passkey, AddedWith::RecoveryCode] {
            assert!(!passkey(way).is_within_probation(made), "{way:?}");
        }
        let passkey = passkey(AddedWith::SignUp);
        assert!(passkey.is_usable("localhost") && !passkey.is_usable("id.example") && passkey.is_on_device());
        assert!(!Passkey { suspended_at: Some(made), ..passkey }.is_usable("localhost"));
    }

    #[test]
    fn a_credential_id_has_one_to_1023_bytes() {
        assert_eq!(CredentialId::new(vec![]), None);
        assert!(CredentialId::new(vec![0; 1023]).is_some());
        assert_eq!(CredentialId::new(vec![0; 1024]), None);
    }
}
