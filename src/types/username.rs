use std::fmt;

/// The name a user signs in with: 3 to 32 ASCII letters, digits, `.`, `_` or `-`, beginning with a letter or a digit.
///
/// Case is preserved, but two names that differ only in case are the same name (see [`Username::key`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// The text is not a username.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidUsername;

impl Username {
    const LENGTH: std::ops::RangeInclusive<usize> = 3..=32;

    /// Parses a username; surrounding white space is removed.
    ///
    /// # Errors
    /// [`InvalidUsername`] when the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        let text = text.trim();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let valid = Self::LENGTH.contains(&text.len())
            && text.bytes().all(allowed)
            && text.as_bytes()[0].is_ascii_alphanumeric();
        valid.then(|| Self(text.to_owned())).ok_or(InvalidUsername)
    }

    /// The form under which names are compared: lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_and_the_longest_name_are_accepted() {
        for name in ["abc", "0-_", "a.b", &"x".repeat(32)] {
            assert_eq!(Username::parse(name).unwrap().as_str(), name);
        }
        assert_eq!(Username::parse("\u{a0} abc\t\r\n").unwrap().as_str(), "abc");
    }

    #[test]
    fn invalid_usernames_are_rejected() {
        for name in [
            "",
            "ab",
            ".abc",
            "_abc",
            "-abc",
            "a b c",
            "a\nb",
            " ab\t",
            "äbc",
            "abc@d",
            "a/b",
            "ab\u{200b}c",
            &"x".repeat(33),
        ] {
            assert_eq!(Username::parse(name), Err(InvalidUsername), "{name:?}");
        }
    }

    #[test]
    fn comparison_ignores_case() {
        assert_eq!(Username::parse("Ada.L").unwrap().key(), Username::parse("aDA.l").unwrap().key());
    }
}
