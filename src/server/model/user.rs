use super::{Lockdown, id};
use crate::server::clock::Timestamp;
use crate::server::secret::Entropy;
use crate::types::email::is_domain_name;
use crate::types::{DisplayName, EmailAddress, Identifier, Language, Username};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::time::Duration;
use uuid::Uuid;

/// The id of a user, and the user handle of their passkeys: 122 random bits without personal data
/// (WebAuthn Level 3, section 14.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct UserId(pub Uuid);

impl UserId {
    /// The id of no user, for operations that must take the same time with and without an account.
    pub const NONE: Self = Self(Uuid::nil());

    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(id::random(entropy))
    }

    /// The user handle for authenticators: base64url of its 16 bytes.
    #[must_use]
    pub fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_bytes())
    }

    /// The inverse of [`UserId::encode`]; `None` for invalid text.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        Uuid::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok().map(Self)
    }
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub username: Username,
    pub display_name: DisplayName,
    pub email: Option<EmailAddress>,
    /// Whether `email` is confirmed; until then the address signs no one in and reserves nothing.
    pub email_verified: bool,
    pub created_at: Timestamp,
    pub username_changed_at: Option<Timestamp>,
    /// The lockdown, during which no passkey may be added.
    pub lockdown: Option<Lockdown>,
    /// The language of emails to the user.
    pub language: Language,
    /// When an administrator disabled the account.
    pub disabled_at: Option<Timestamp>,
}

/// Minimum time between username changes, and how long the old username is held for its former owner.
pub const USERNAME_HOLD: Duration = Duration::from_hours(30 * 24);

impl User {
    /// Whether the username was changed less than 30 days ago.
    #[must_use]
    pub fn renamed_recently(&self, now: Timestamp) -> bool {
        self.username_changed_at.is_some_and(|at| now.since(at) < USERNAME_HOLD)
    }

    /// Whether `address` is the confirmed address of this account.
    #[must_use]
    pub fn has_confirmed(&self, address: &EmailAddress) -> bool {
        self.email_verified && self.email.as_ref().and_then(email_key) == email_key(address)
    }

    /// The email address, if it is confirmed.
    #[must_use]
    pub fn confirmed_address(&self) -> Option<&EmailAddress> {
        self.email.as_ref().filter(|_| self.email_verified)
    }
}

/// The form in which addresses are compared: domain as lower-case A-labels (UTS 46), local part in lower case, dots and
/// plus signs kept. `None` if the domain has no A-label form that is a domain name, so that no email could reach it.
#[must_use]
pub fn email_key(address: &EmailAddress) -> Option<String> {
    let (local, domain) = address.parts();
    let key = format!("{}@{}", local.to_ascii_lowercase(), a_labels(domain)?);
    (key.len() <= EmailAddress::MAX_BYTES).then_some(key)
}

/// The form in which rate limits count an entered identifier; empty for an address that no email can reach.
#[must_use]
pub fn identifier_key(typed: &Identifier) -> String {
    match typed {
        Identifier::Username(name) => name.key(),
        Identifier::Address(address) => email_key(address).unwrap_or_default(),
    }
}

/// A domain as A-labels: non-transitional UTS 46 with host name rules and DNS length limits.
///
/// Hyphens in the third and fourth position are allowed, since such domains exist.
#[must_use]
pub fn a_labels(domain: &str) -> Option<String> {
    let (ascii, hyphens, length) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    let labels = Uts46::new().to_ascii(domain.as_bytes(), ascii, hyphens, length).ok()?;
    is_domain_name(&labels).then(|| labels.into_owned())
}

/// The form for mail servers: as typed, except that a non-ASCII domain is converted to A-labels. `None` as for
/// [`email_key`].
#[must_use]
pub fn deliverable(address: &EmailAddress) -> Option<String> {
    let (local, domain) = address.parts();
    let labels = a_labels(domain)?;
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
        assert_eq!(key("user@ตัวอย่าง.ไทย"), "user@xn--72c1a1bt4awk9o.xn--o3cw4h");
        assert_eq!(key("ada@bu\u{308}cher.example"), key("ada@bücher.example"), "decomposed");
        assert_eq!(key("ada@bücher。example"), key("ada@bücher.example"), "an ideographic full stop");
        assert_eq!(key("ada@xn--a--b-3ra.example"), key("ada@a--bü.example"));
    }

    #[test]
    fn addresses_without_a_valid_a_label_domain_have_no_key() {
        let long = "ü".repeat(60);
        for text in [
            "a@１２７.０.０.１",
            "a@ü",
            "a@ü..example",
            "a@-ü.example",
            "a@\u{200b}.example",
            &format!("a@{long}.example"),
        ] {
            let key = EmailAddress::parse(text).ok().as_ref().and_then(email_key);
            assert_eq!(key, None, "{text}");
        }
    }

    #[test]
    fn emails_go_to_the_address_as_typed() {
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
