//! Emails that a browser requested, and what each is for.

use super::user::{email_key, identifier_key};
use super::{Client, Issuer, SessionId, UserId, id};
use crate::server::clock::Timestamp;
use crate::server::keys::{KeyedHash, Keys};
use crate::server::secret::{Entropy, Secret, Token, TokenHash};
use crate::types::{DisplayName, EmailAddress, Identifier, Language, Next, Username};
use std::time::Duration;
use uuid::Uuid;

/// How long the link and the code of an email for signing in or up are valid (docs/RULES.md, 4).
pub const LINK_LIFE: Duration = Duration::from_mins(10);
/// How long the link and the code that confirm an address are valid. They confirm it only for the signed-in user.
pub const CONFIRMATION_LIFE: Duration = Duration::from_hours(24);
/// Lifetime of a sign-in link that an administrator created: it has to be handed over first.
pub const BREAK_GLASS_LIFE: Duration = Duration::from_hours(1);
/// Maximum number of attempts to enter a code (docs/RULES.md, 4).
pub const TRIES: u32 = 5;
/// Maximum number of open emails that browsers unknown to the account requested (docs/RULES.md, 4).
pub const MAX_OPEN: u32 = 5;

/// The id of a request for an email.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub Uuid);

impl RequestId {
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(id::random(entropy))
    }
}

/// The purpose of a requested email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The worker looks up the account, so that the response reveals nothing about it.
    SignIn {
        identifier: Identifier,
        /// The account that knows the requesting browser, if any.
        known: Option<UserId>,
    },
    /// The account is created when the link or code is used.
    SignUp {
        username: Username,
        display_name: DisplayName,
        address: EmailAddress,
        /// The invitation, which is used up when the account is created.
        invitation: Option<TokenHash>,
    },
    /// Confirms that the user of a session is still present.
    Reauthenticate { user: UserId, session: SessionId, address: EmailAddress },
    /// Confirms the address for the requesting account only.
    Confirm { user: UserId, session: SessionId, address: EmailAddress },
    /// Created by an administrator for a user who lost every sign-in method: works in any browser (docs/RULES.md, 4).
    BreakGlass { user: UserId },
}

/// The kind of a [`Purpose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurposeKind {
    SignIn,
    SignUp,
    Reauthenticate,
    Confirm,
    BreakGlass,
}

impl PurposeKind {
    pub const ALL: [Self; 5] = [Self::SignIn, Self::SignUp, Self::Reauthenticate, Self::Confirm, Self::BreakGlass];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
            Self::Reauthenticate => "reauthenticate",
            Self::Confirm => "confirm",
            Self::BreakGlass => "break-glass",
        }
    }

    /// The inverse of [`PurposeKind::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Purpose {
    #[must_use]
    pub fn kind(&self) -> PurposeKind {
        match self {
            Self::SignIn { .. } => PurposeKind::SignIn,
            Self::SignUp { .. } => PurposeKind::SignUp,
            Self::Reauthenticate { .. } => PurposeKind::Reauthenticate,
            Self::Confirm { .. } => PurposeKind::Confirm,
            Self::BreakGlass { .. } => PurposeKind::BreakGlass,
        }
    }

    /// The name of its kind.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    #[must_use]
    pub fn is_break_glass(&self) -> bool {
        self.kind() == PurposeKind::BreakGlass
    }

    /// The address that a [`Purpose::Confirm`] confirms.
    #[must_use]
    pub fn confirmed_address(self) -> Option<EmailAddress> {
        match self {
            Self::Confirm { address, .. } => Some(address),
            _ => None,
        }
    }

    /// The form in which rate limits count the entered identifier; empty if none was entered.
    #[must_use]
    pub fn typed_key(&self) -> String {
        match self {
            Self::SignIn { identifier, .. } => identifier_key(identifier),
            Self::SignUp { address, .. } | Self::Confirm { address, .. } | Self::Reauthenticate { address, .. } => {
                email_key(address).unwrap_or_default()
            }
            Self::BreakGlass { .. } => String::new(),
        }
    }

    fn life(&self) -> Duration {
        match self {
            Self::SignIn { .. } | Self::SignUp { .. } | Self::Reauthenticate { .. } => LINK_LIFE,
            Self::Confirm { .. } => CONFIRMATION_LIFE,
            Self::BreakGlass { .. } => BREAK_GLASS_LIFE,
        }
    }
}

/// A request for an email, from one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailRequest {
    pub id: RequestId,
    pub purpose: Purpose,
    /// The hash of the requesting browser's token; only that browser can use the link or the code.
    pub browser: TokenHash,
    pub next: Next,
    pub client: Client,
    /// The language of the email.
    pub language: Language,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl EmailRequest {
    #[must_use]
    pub fn new(purpose: Purpose, by: RequestedBy, next: Next, issuer: Issuer<'_>) -> Self {
        let RequestedBy { browser, client, language } = by;
        let (id, created_at) = (RequestId::random(issuer.entropy), issuer.now);
        let expires_at = created_at.plus(purpose.life());
        Self { id, purpose, browser, next, client, language, created_at, expires_at }
    }
}

/// The browser that requests an email.
#[derive(Clone, Debug)]
pub struct RequestedBy {
    /// The hash of the token that opens the request.
    pub browser: TokenHash,
    pub client: Client,
    pub language: Language,
}

/// A request and its current state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    pub request: EmailRequest,
    /// The account that it is about, and the address of the email; set by the worker for a sign-in.
    pub recipient: Option<(UserId, EmailAddress)>,
    pub code_hash: Option<KeyedHash>,
    pub tries_left: u32,
}

impl OpenRequest {
    /// Whether `typed` is the code of its email. A request without a code is compared too, so that both take the same
    /// time.
    #[must_use]
    pub fn has_code(&self, typed: &str, keys: &Keys) -> bool {
        let hash = self.code_hash.unwrap_or_default();
        let is_code = Code::parse(typed).is_some_and(|code| code.matches(&hash, keys, self.request.id));
        is_code && self.code_hash.is_some()
    }

    /// Whether a browser with this cookie may open the link: the browser that requested the email, or any browser for
    /// an administrator's link.
    #[must_use]
    pub fn may_be_opened_by(&self, email: Option<&Token>) -> bool {
        self.request.purpose.is_break_glass() || email.is_some_and(|email| email.hash() == self.request.browser)
    }

    /// Whether its link may still be opened.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.request.expires_at && self.tries_left > 0
    }
}

/// Six digits to enter in the browser that requested the email. Only a keyed hash is stored, since there are just a
/// million codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(Secret<String>);

impl Code {
    /// Generates a code. Numbers beyond the last whole million are drawn again, so that every code is equally likely.
    pub fn random(entropy: &dyn Entropy) -> Self {
        const FAIR: u32 = u32::MAX - u32::MAX % 1_000_000;
        loop {
            let mut bytes = [0; 4];
            entropy.fill(&mut bytes);
            let number = u32::from_le_bytes(bytes);
            if number < FAIR {
                return Self(Secret::new(format!("{:06}", number % 1_000_000)));
            }
        }
    }

    /// Parses user input: white space is ignored, leading zeros count, and only ASCII digits are accepted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).take(7).collect();
        let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| Self(Secret::new(digits)))
    }

    /// The digits, for use in the email only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    #[must_use]
    pub fn hash(&self, keys: &Keys, request: RequestId) -> KeyedHash {
        keys.hash(&[b"code", request.0.as_bytes()], self.expose().as_bytes())
    }

    #[must_use]
    pub fn matches(&self, hash: &KeyedHash, keys: &Keys, request: RequestId) -> bool {
        keys.matches(hash, &[b"code", request.0.as_bytes()], self.expose().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn a_code_may_have_spaces_and_leading_zeros_but_only_ascii_digits() {
        for text in ["012345", " 012 345 ", "0 1 2 3 4 5", "012\u{a0}345"] {
            assert_eq!(Code::parse(text).unwrap().expose(), "012345", "{text:?}");
        }
        for text in ["", "12345", "1234567", "12345a", "12-345", "١٢٣٤٥٦", "１２３４５６", "12345\u{0}", "+12345"]
        {
            assert_eq!(Code::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_code_has_six_digits_and_its_hash_belongs_to_one_request() {
        let keys = Keys::new(&Secret::new("k".repeat(32)), None);
        let (one, other) = (RequestId::random(&SystemEntropy), RequestId::random(&SystemEntropy));
        for _ in 0..200 {
            let code = Code::random(&SystemEntropy);
            assert_eq!(Code::parse(code.expose()), Some(code.clone()));
            let hash = code.hash(&keys, one);
            assert!(code.matches(&hash, &keys, one));
            assert!(!code.matches(&hash, &keys, other));
        }
    }
}
