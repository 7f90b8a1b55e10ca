//! Randomness as a dependency, and values that must not be printed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

/// Keeps a value out of logs and responses: no `Display`, no `Serialize`, and a redacted `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the code that sends or uses it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Fills a buffer with unpredictable bytes.
pub trait Entropy: Send + Sync {
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// Aborts the process if the system has no randomness: continuing would not be safe.
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            std::process::abort();
        }
    }
}

/// A bearer token of 256 random bits; only [`Token::hash`] is ever stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(Secret<[u8; 32]>);

/// SHA-256 of a [`Token`]. A token has 256 bits of entropy, so guessing cannot reverse a plain hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl Token {
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Self(Secret::new(bytes))
    }

    /// Wraps computed bytes, such as an HMAC under a secret key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Parses the output of [`Token::encode`]; `None` for anything else.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(Secret::new(bytes.try_into().ok()?)))
    }

    /// Parses the token of a pasted link, and ignores punctuation around it.
    #[must_use]
    pub fn from_link(text: &str) -> Option<Self> {
        let is_around = |c: char| !(c.is_alphanumeric() || c.is_control() || c == '-' || c == '_');
        Self::decode(text.trim().trim_matches(is_around))
    }

    /// The token as 43 characters of base64url.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.expose())
    }

    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_round_trips_and_random_tokens_differ() {
        let token = Token::random(&SystemEntropy);
        assert_eq!(token.encode().len(), 43);
        assert_eq!(Token::decode(&token.encode()), Some(token.clone()));
        assert_ne!(Token::random(&SystemEntropy).hash(), token.hash());
    }

    #[test]
    fn an_invalid_token_is_none() {
        for text in ["", "abc", &"A".repeat(42), &"A".repeat(44), &"=".repeat(43), &"ä".repeat(22)] {
            assert_eq!(Token::decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn punctuation_around_a_pasted_link_is_dropped() {
        let token = Token::random(&SystemEntropy);
        for behind in ["", ".", ")", ").", "\">", "?!", "\n"] {
            assert_eq!(Token::from_link(&format!("{}{behind}", token.encode())), Some(token.clone()), "{behind:?}");
        }
        for around in [("(", ")"), ("<", ">"), ("“", "”"), ("", "…")] {
            let text = format!("{}{}{}", around.0, token.encode(), around.1);
            assert_eq!(Token::from_link(&text), Some(token.clone()), "{text}");
        }
        assert_eq!(Token::from_link(&format!("{}\0", token.encode())), None, "a control character is not punctuation");
    }

    #[test]
    fn debug_redacts_a_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
