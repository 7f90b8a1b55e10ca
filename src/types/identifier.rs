use super::{EmailAddress, Username};
use std::fmt;

/// A username or an email address, as entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    Username(Username),
    Address(EmailAddress),
}

/// The text is neither a username nor an address.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidIdentifier;

impl Identifier {
    /// Parses an identifier; surrounding white space is removed. Only addresses have an `@`.
    ///
    /// # Errors
    /// [`InvalidIdentifier`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidIdentifier> {
        let text = text.trim();
        if text.contains('@') {
            EmailAddress::parse(text).map(Self::Address).map_err(|_| InvalidIdentifier)
        } else {
            Username::parse(text).map(Self::Username).map_err(|_| InvalidIdentifier)
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Username(name) => name.as_str(),
            Self::Address(address) => address.as_str(),
        }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_marks_an_address() {
        assert!(matches!(Identifier::parse(" ada "), Ok(Identifier::Username(name)) if name.as_str() == "ada"));
        assert!(matches!(Identifier::parse("ada@example.org"), Ok(Identifier::Address(_))));
    }

    #[test]
    fn invalid_identifiers_are_rejected() {
        for text in ["", " ", "ab", "a b c", "@", "ada@", "ada@example.org,eve@example.org", "a\nda", "<ada>"] {
            assert_eq!(Identifier::parse(text), Err(InvalidIdentifier), "{text:?}");
        }
    }
}
