//! Applications as clients of the provider.

use super::{ClaimRule, RedirectUri, Scope, Scopes};
use crate::server::clock::Timestamp;
use crate::server::jose::Algorithm;
use crate::server::model::ApplicationId;
use crate::server::secret::{Entropy, Secret, TokenHash};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Maximum number of redirect URIs of each kind.
pub const MAX_URIS: usize = 50;
/// Maximum number of secrets of a client that are valid at the same time.
pub const MAX_SECRETS: usize = 10;
/// How long mismatches are kept.
pub const MISMATCH_RETENTION: Duration = Duration::from_hours(7 * 24);
/// Maximum number of mismatches that are kept per application.
pub const MAX_MISMATCHES: u32 = 20;
/// Maximum length of a stored mismatch, in bytes.
pub const LONGEST_MISMATCH: usize = 2 * 1024;

/// An application that signs users in with OpenID Connect.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, independent of the others")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub application: ApplicationId,
    pub client_id: String,
    /// Whether it has no secret (RFC 6749, section 2.1).
    pub is_public: bool,
    /// Whether it must send a code challenge (RFC 7636).
    pub requires_pkce: bool,
    /// The signing algorithm of its ID tokens.
    pub algorithm: Algorithm,
    /// Whether its ID tokens also contain the claims of its scopes.
    pub claims_in_id_token: bool,
    pub consent: ConsentRule,
    /// Whether it gets refresh tokens without the scope `offline_access`.
    pub refreshes: bool,
    pub redirect_uris: Vec<RedirectUri>,
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    pub backchannel_logout_uri: Option<String>,
    /// The first matching rule wins.
    pub claim_rules: Vec<ClaimRule>,
}

impl Client {
    /// Whether it is a native application on the user's device.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.is_public && self.redirect_uris.iter().any(RedirectUri::is_native)
    }

    /// Whether a response may be sent to this redirect URI.
    #[must_use]
    pub fn admits(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|own| own.admits(redirect_uri, self.is_public))
    }

    /// Whether a user may be redirected to this URI after signing out.
    #[must_use]
    pub fn allows_post_logout_redirect(&self, uri: &str) -> bool {
        self.post_logout_redirect_uris.iter().any(|own| own.admits(uri, self.is_public))
    }

    /// Whether the user has to be asked for consent; `given` are the scopes that they allowed before.
    #[must_use]
    pub fn needs_consent(&self, scopes: &Scopes, given: Option<&Scopes>) -> bool {
        match self.consent {
            ConsentRule::Never => false,
            ConsentRule::Once => given.is_none_or(|given| !scopes.is_subset(given)),
            ConsentRule::Always => true,
        }
    }

    /// Whether it gets a refresh token for these scopes.
    #[must_use]
    pub fn gets_refresh_token(&self, scopes: &Scopes) -> bool {
        self.refreshes || scopes.has(Scope::OfflineAccess)
    }
}

/// Whether a text is a valid client id: only characters that need no escaping in a URL or in Basic authentication.
#[must_use]
pub fn is_client_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_plain)
}

/// When the user is asked for consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentRule {
    Never,
    Once,
    Always,
}

impl ConsentRule {
    pub const ALL: [Self; 3] = [Self::Never, Self::Once, Self::Always];

    /// Its name in commands and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Once => "once",
            Self::Always => "always",
        }
    }

    /// The inverse of [`ConsentRule::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// A client secret, stored as a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    pub hash: TokenHash,
    /// The first characters, so that administrators can tell secrets apart.
    pub prefix: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// Whether `APPLICATIONS_FILE` defines it; if so, commands do not remove it.
    pub from_file: bool,
}

/// The characters of a secret: 43 of these 62 make 256 bits, and none of them needs escaping.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SECRET_LENGTH: usize = 43;
const PREFIX_LENGTH: usize = 6;

impl ClientSecret {
    /// Generates a secret; its text is shown once.
    pub fn random(
        entropy: &dyn Entropy,
        created_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> (Self, Secret<String>) {
        let mut text = String::with_capacity(SECRET_LENGTH);
        while text.len() < SECRET_LENGTH {
            let mut byte = [0];
            entropy.fill(&mut byte);
            // Values beyond the alphabet are drawn again: a remainder would make the first characters more likely.
            if let Some(character) = ALPHABET.get(usize::from(byte[0] & 63)) {
                text.push(char::from(*character));
            }
        }
        (Self::of(&text, created_at, expires_at), Secret::new(text))
    }

    /// A secret that an administrator chose.
    #[must_use]
    pub fn of(text: &str, created_at: Timestamp, expires_at: Option<Timestamp>) -> Self {
        let prefix = text.chars().take(PREFIX_LENGTH).collect();
        Self { hash: Self::hash(text), prefix, created_at, expires_at, from_file: false }
    }

    /// A plain hash suffices: a generated secret has 256 bits, and one from a file at least 32 characters, so neither
    /// can be guessed.
    #[must_use]
    pub fn hash(text: &str) -> TokenHash {
        TokenHash(Sha256::digest(text).into())
    }

    /// Whether `text` is this secret and the secret has not expired.
    #[must_use]
    pub fn admits(&self, text: &str, now: Timestamp) -> bool {
        self.hash == Self::hash(text) && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A requested redirect URI that is not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The URI without the values of its query.
    pub uri: String,
    /// The reference that the error page showed.
    pub reference: String,
    pub happened_at: Timestamp,
}

impl Mismatch {
    /// A redirect URI without the values of its query, which may be confidential, truncated to [`LONGEST_MISMATCH`]
    /// bytes.
    #[must_use]
    pub fn without_values(uri: &str) -> String {
        let uri = uri.split('#').next().unwrap_or_default();
        let (place, query) = uri.split_once('?').map_or((uri, None), |(place, query)| (place, Some(query)));
        let names = query.map(|query| {
            let name = |pair: &str| pair.split_once('=').map_or("…".to_owned(), |(name, _)| format!("{name}=…"));
            query.split('&').map(name).collect::<Vec<_>>().join("&")
        });
        let place = match place.split_once("://") {
            Some((scheme, rest)) if rest.split('/').next().is_some_and(|authority| authority.contains('@')) => {
                let own = rest.find('/').and_then(|end| rest.get(..end)).unwrap_or(rest);
                let host = own.rsplit('@').next().unwrap_or_default();
                format!("{scheme}://…@{host}{}", &rest[own.len()..])
            }
            _ => place.to_owned(),
        };
        let text = names.map_or_else(|| place.clone(), |names| format!("{place}?{names}"));
        text.chars()
            .map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character })
            .take_while({
                let mut bytes = 0;
                move |character| {
                    bytes += character.len_utf8();
                    bytes <= LONGEST_MISMATCH
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn a_secret_has_256_bits_and_expires() {
        let now = Timestamp::from_unix_millis(1_795_000_000_000);
        let (stored, text) = ClientSecret::random(&SystemEntropy, now, Some(now.plus(Duration::from_secs(1))));
        let text = text.expose();
        assert!(text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{text}");
        assert!(stored.admits(text, now) && !stored.admits(&text[1..], now));
        assert!(!stored.admits(text, now.plus(Duration::from_secs(1))));
        assert_ne!(ClientSecret::random(&SystemEntropy, now, None).1.expose(), text);
    }

    #[test]
    fn a_mismatch_contains_no_query_values() {
        assert_eq!(Mismatch::without_values("https://a.example/cb"), "https://a.example/cb");
        assert_eq!(Mismatch::without_values("https://a.example/cb?token=x&b"), "https://a.example/cb?token=…&…");
        assert_eq!(Mismatch::without_values("https://a.example/cb#token=x"), "https://a.example/cb");
        assert_eq!(Mismatch::without_values("https://u:p@w@a.example/cb?b=c"), "https://…@a.example/cb?b=…");
        assert_eq!(Mismatch::without_values("https://u:p@a.example"), "https://…@a.example");
        assert_eq!(Mismatch::without_values(&"ä".repeat(5_000)).len(), LONGEST_MISMATCH);
    }

    #[test]
    fn consent_is_asked_once_per_new_scope() {
        let requested = Scopes::parse("openid email");
        let client = |consent| Client {
            application: ApplicationId::parse("a").unwrap(),
            client_id: "a".to_owned(),
            is_public: true,
            requires_pkce: true,
            algorithm: Algorithm::Rs256,
            claims_in_id_token: false,
            consent,
            refreshes: false,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            claim_rules: Vec::new(),
        };
        let once = client(ConsentRule::Once);
        assert!(once.needs_consent(&requested, None));
        assert!(once.needs_consent(&requested, Some(&Scopes::parse("openid"))));
        assert!(!once.needs_consent(&requested, Some(&Scopes::parse("openid email profile"))));
        assert!(!client(ConsentRule::Never).needs_consent(&requested, None));
        assert!(client(ConsentRule::Always).needs_consent(&requested, Some(&requested)));
    }
}
