use super::display_name::is_bidi_control;
use std::fmt;

/// An email address as it was entered, at most 254 bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
///
/// Deliberately narrower than the grammar: one unquoted local part (RFC 5321, section 4.1.2, `Dot-string`) and a domain
/// name with at least two labels; no comments, quotes, lists or address literals. An international domain is validated
/// by the server, which computes its A-label form (UTS 46).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

/// The text is not an address that an email can be sent to.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidEmailAddress;

impl EmailAddress {
    /// The longest address, in bytes, with the domain as A-labels.
    pub const MAX_BYTES: usize = 254;
    const MAX_LOCAL_BYTES: usize = 64;

    /// Parses an address; only surrounding white space is removed.
    ///
    /// # Errors
    /// [`InvalidEmailAddress`] when the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(InvalidEmailAddress)?;
        let is_short = text.chars().count() <= Self::MAX_BYTES;
        let is_domain = if domain.is_ascii() { is_domain_name(domain) } else { is_international(domain) };
        let valid = is_short && is_dot_string(local) && is_domain;
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

/// Whether a text may be an international domain name. The server applies Unicode's rules, since every visitor would
/// have to download their tables.
fn is_international(domain: &str) -> bool {
    let is_ascii_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let is_other = |c: char| !c.is_ascii() && !c.is_control() && !c.is_whitespace() && !is_bidi_control(c);
    domain.chars().all(|c| is_ascii_part(c) || is_other(c))
}

/// At least two labels of letters, digits and inner hyphens (RFC 1123, section 2.1), the last of which is not a number.
#[must_use]
pub fn is_domain_name(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric())
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels = domain.split('.').collect::<Vec<_>>();
    let top_is_not_numeric = labels.last().is_some_and(|top| !top.bytes().all(|byte| byte.is_ascii_digit()));
    labels.len() >= 2 && top_is_not_numeric && labels.into_iter().all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_addresses_are_kept_as_entered() {
        for address in
            ["ada@example.org", "A.d+a@Example.ORG", "o'hara@sub.example.org", "a@bücher.example", "1@2.example"]
        {
            assert_eq!(EmailAddress::parse(address).unwrap().as_str(), address);
        }
        for around in [" ", "\t", "\r\n", "\u{a0}", "\u{2028}"] {
            let typed = format!("{around}ada@example.org{around}");
            assert_eq!(EmailAddress::parse(&typed).unwrap().as_str(), "ada@example.org", "{typed:?}");
        }
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
    fn invalid_and_ambiguous_addresses_are_rejected() {
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
            "ada@exam\nple.org",
            "ada@bücher.example,eve@example.org",
            "ada@bü cher.example",
            "ada;eve@example.org",
            "ada(comment)@example.org",
            "ada@exam\u{202e}ple.org",
        ] {
            assert_eq!(EmailAddress::parse(address), Err(InvalidEmailAddress), "{address:?}");
        }
    }
}
