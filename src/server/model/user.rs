use super::id;
use crate::server::clock::Timestamp;
use crate::server::secret::Entropy;
use crate::types::{DisplayName, EmailAddress, Language, Username, views};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Duration;
use uuid::Uuid;

/// Who somebody is, and the user handle of their passkeys: 122 random bits that say nothing about the person
/// (WebAuthn Level 3, section 14.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct UserId(pub Uuid);

impl UserId {
    /// Stands for nobody where the same must be done whether anybody is meant or not; never drawn, since it is not random.
    pub const NOBODY: Self = Self(Uuid::nil());

    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(id::random(entropy))
    }

    /// The handle as authenticators get it: base64url of its 16 bytes.
    #[must_use]
    pub fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_bytes())
    }
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub username: Username,
    pub display_name: DisplayName,
    pub email: Option<EmailAddress>,
    /// Whether a letter to `email` was answered; until then it proves nothing and reserves nothing.
    pub email_verified: bool,
    pub created_at: Timestamp,
    pub username_changed_at: Option<Timestamp>,
    /// Since somebody said "that was not me": no passkey is added until an older one or a recovery code was used.
    pub guarded_since: Option<Timestamp>,
    /// In which letters to them are written.
    pub language: Language,
    /// Since those who run the site turned the account off: nobody signs in to it.
    pub disabled_at: Option<Timestamp>,
}

/// How often a username may change, and how long the old one is held for its former owner.
pub const USERNAME_HELD: Duration = Duration::from_hours(30 * 24);

impl User {
    /// Whether the username was changed less than 30 days ago.
    #[must_use]
    pub fn renamed_recently(&self, now: Timestamp) -> bool {
        self.username_changed_at.is_some_and(|at| now.since(at) < USERNAME_HELD)
    }

    /// The address, if a letter to it was answered.
    #[must_use]
    pub fn proven_address(&self) -> Option<&EmailAddress> {
        self.email.as_ref().filter(|_| self.email_verified)
    }

    /// What the person themselves may see of their account.
    #[must_use]
    pub fn view(&self) -> views::User {
        views::User {
            id: self.id.encode(),
            username: self.username.to_string(),
            display_name: self.display_name.to_string(),
            email: self.email.as_ref().map(ToString::to_string),
            email_verified: self.email_verified,
            created_at: self.created_at.to_rfc3339(),
        }
    }
}

/// The form under which addresses are compared: domain as lower-case A-labels (UTS 46), local part in lower case, dots
/// and plus kept. `None` when the domain has no A-label form, so that no letter could ever reach it.
#[must_use]
pub fn email_key(address: &EmailAddress) -> Option<String> {
    let (local, domain) = address.parts();
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    Some(format!("{}@{domain}", local.to_ascii_lowercase()))
}

/// The form that mail servers take: as typed, but for a domain that is not ASCII, which is written as A-labels. `None` as for
/// [`email_key`].
#[must_use]
pub fn deliverable(address: &EmailAddress) -> Option<String> {
    let (local, domain) = address.parts();
    let labels = idna::domain_to_ascii_strict(domain).ok()?;
    Some(if domain.is_ascii() { address.as_str().to_owned() } else { format!("{local}@{labels}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn addresses_are_compared_by_a_label_and_lower_case() {
        let key = |text| email_key(&EmailAddress::parse(text).unwrap()).unwrap();
        assert_eq!(key("Ada+x.y@BÜCHER.example"), "ada+x.y@xn--bcher-kva.example");
        assert_eq!(key("ada@xn--bcher-kva.example"), key("ADA@bücher.example"));
        assert_ne!(key("a.da@example.org"), key("ada@example.org"));
    }

    #[test]
    fn letters_go_to_the_address_as_typed() {
        let sent_to = |text| deliverable(&EmailAddress::parse(text).unwrap()).unwrap();
        assert_eq!(sent_to("Ada+x.y@Example.org"), "Ada+x.y@Example.org");
        assert_eq!(sent_to("Ada@bücher.example"), "Ada@xn--bcher-kva.example");
    }

    #[test]
    fn a_user_handle_is_sixteen_random_bytes() {
        let id = UserId::random(&SystemEntropy);
        assert_eq!(id.encode().len(), 22);
        assert_ne!(id, UserId::random(&SystemEntropy));
    }
}
