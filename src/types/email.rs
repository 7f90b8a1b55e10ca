use std::fmt;

/// An e-mail address as it was typed, at most 254 bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
///
/// Deliberately narrower than the grammar: one unquoted local part (RFC 5321, section 4.1.2, `Dot-string`) and a domain
/// name with at least two labels; no comments, quotes, lists or address literals. The domain may be international.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

/// The text is not an address that a letter can be sent to.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidEmailAddress;

impl EmailAddress {
    const MAX_BYTES: usize = 254;
    const MAX_LOCAL_BYTES: usize = 64;

    /// Parses an address; spaces around it are dropped, nothing else is changed.
    ///
    /// # Errors
    /// [`InvalidEmailAddress`] when the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let text = text.trim_matches(' ');
        let (local, domain) = text.split_once('@').ok_or(InvalidEmailAddress)?;
        let valid = text.len() <= Self::MAX_BYTES && is_dot_string(local) && is_domain_name(domain);
        valid.then(|| Self(text.to_owned())).ok_or(InvalidEmailAddress)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before and the part after the `@`.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_once('@').unwrap_or((&self.0, ""))
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `Dot-string` of RFC 5321: atoms of RFC 5322, section 3.2.3, joined by single dots.
fn is_dot_string(local: &str) -> bool {
    let atom_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    local.len() <= EmailAddress::MAX_LOCAL_BYTES
        && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atom_byte))
}

/// Labels of letters, digits and inner hyphens (RFC 1123, section 2.1), or of letters beyond ASCII, which the server
/// turns into A-labels before it compares or sends.
fn is_domain_name(domain: &str) -> bool {
    let label_char = |c: char| c == '-' || c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric());
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(label_char)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels = domain.split('.').collect::<Vec<_>>();
    let top_is_a_name = labels.last().is_some_and(|top| !top.bytes().all(|byte| byte.is_ascii_digit()));
    labels.len() >= 2 && top_is_a_name && labels.into_iter().all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_kept_as_typed() {
        for address in
            ["ada@example.org", "A.d+a@Example.ORG", "o'hara@sub.example.org", "a@bücher.example", "1@2.example"]
        {
            assert_eq!(EmailAddress::parse(address).unwrap().as_str(), address);
        }
        assert_eq!(EmailAddress::parse(" ada@example.org ").unwrap().as_str(), "ada@example.org");
    }

    #[test]
    fn two_hundred_and_fifty_four_bytes_are_the_limit() {
        let label = "d".repeat(61);
        let longest = format!("{}@{label}.{label}.{label}.xyz", "l".repeat(64));
        assert_eq!(longest.len(), 254);
        assert!(EmailAddress::parse(&longest).is_ok());
        assert!(EmailAddress::parse(&format!("{longest}z")).is_err());
    }

    #[test]
    fn everything_that_could_reach_somebody_else_is_refused() {
        for address in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "ada@example.org,eve@example.org",
            "a@b@example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "\"ada\"@example.org",
            "<ada@example.org>",
            "Ada <ada@example.org>",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@example.org.",
            "ada@.example.org",
            "ada@example..org",
            ".ada@example.org",
            "ada.@example.org",
            "a..da@example.org",
            "ad a@example.org",
            "ada@exa mple.org",
            "ada@-example.org",
            "ada@example-.org",
            "ada\u{0}@example.org",
            "ädä@example.org",
            "ada@example.org\n",
            "ada;eve@example.org",
            "ada(comment)@example.org",
            "ada@exam\u{202e}ple.org",
        ] {
            assert_eq!(EmailAddress::parse(address), Err(InvalidEmailAddress), "{address:?}");
        }
    }
}
