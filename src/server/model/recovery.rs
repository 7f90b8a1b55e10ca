use crate::server::secret::{Entropy, Secret};
use sha2::{Digest, Sha256};

/// Number of recovery codes in a set.
pub const CODES: usize = 10;

/// Letters and digits that cannot be confused with each other (Crockford's base 32): five bits each.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 20;
const GROUP: usize = 5;

/// A code that signs its owner in once if all other sign-in methods are lost: 100 random bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryCode(Secret<String>);

/// The SHA-256 hash of a [`RecoveryCode`], whose 100 bits of entropy cannot be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecoveryCodeHash(pub [u8; 32]);

impl RecoveryCode {
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; LENGTH];
        entropy.fill(&mut bytes);
        let characters = bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        Self(Secret::new(characters.iter().collect()))
    }

    /// Parses user input: case, spaces and hyphens are ignored, and characters that look like digits are read as digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let meant = |character: char| match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            character => character,
        };
        let is_separator = |character: &char| character.is_whitespace() || *character == '-';
        let code: String =
            text.chars().filter(|character| !is_separator(character)).take(LENGTH + 1).map(meant).collect();
        let is_code = code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
        is_code.then(|| Self(Secret::new(code)))
    }

    /// The code in groups of five characters, for its owner.
    #[must_use]
    pub fn expose(&self) -> String {
        let characters = self.0.expose().as_bytes();
        characters.chunks(GROUP).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
    }

    #[must_use]
    pub fn hash(&self) -> RecoveryCodeHash {
        RecoveryCodeHash(Sha256::digest(self.0.expose()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn a_code_is_accepted_in_any_case_and_grouping() {
        let code = RecoveryCode::random(&SystemEntropy);
        let shown = code.expose();
        assert_eq!(shown.len(), 23);
        for text in [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), shown.replace('-', "")] {
            assert_eq!(RecoveryCode::parse(&text), Some(code.clone()), "{text}");
        }
        assert_eq!(RecoveryCode::parse(&shown.replace('0', "o").replace('1', "l")), Some(code.clone()));
        assert_ne!(RecoveryCode::random(&SystemEntropy).hash(), code.hash());
    }

    #[test]
    fn invalid_codes_are_refused() {
        for text in ["", "12345", &"U".repeat(20), &"A".repeat(19), &"A".repeat(21), &"ä".repeat(10)] {
            assert_eq!(RecoveryCode::parse(text), None, "{text}");
        }
    }
}
