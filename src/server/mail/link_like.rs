//! Checks user-chosen names before they go into emails.

use idna::AsciiDenyList;
use idna::uts46::{Hyphens, Uts46};
use std::net::Ipv4Addr;

/// Whether a reader could take a name for a link or an address, or a mail program could turn it into a link. Emails
/// leave out such a name (docs/RULES.md, 10).
#[must_use]
pub fn looks_like_link(name: &str) -> bool {
    const MARKS: [&str; 9] = ["@", "\u{ff20}", "//", "www.", "http", "mailto:", "javascript:", "data:", "tel:"];
    // As browsers read a host name: invisible characters are dropped, and look-alikes are mapped to the characters that
    // they resemble (UTS 46).
    let words = name
        .split_whitespace()
        .map(|word| Uts46::new().to_unicode(word.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow).0.into_owned());
    [name.to_lowercase()]
        .into_iter()
        .chain(words)
        .any(|text| MARKS.iter().any(|mark| text.contains(mark)) || has_domain(&text) || has_address(&text))
}

/// Whether the text contains an IPv4 address.
fn has_address(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    text.split(|c| !is_part(c)).any(|part| part.parse::<Ipv4Addr>().is_ok())
}

/// Whether a dot, or a character that browsers read as a dot (UTS 46), is between a letter or digit and a word of two
/// or more characters.
fn has_domain(name: &str) -> bool {
    const DOTS: [char; 6] = ['\u{fe52}', '.', '\u{3002}', '\u{ff0e}', '\u{ff61}', '\u{2024}'];
    let parts: Vec<&str> = name.split(DOTS).collect();
    parts.windows(2).any(|pair| {
        let word: String = pair[1].chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
        let is_word = word.chars().count() >= 2 && word.chars().any(char::is_alphabetic);
        is_word && pair[0].ends_with(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_not_links() {
        for name in
            ["Ada", "Ada Lovelace", "Dr. Ada", "J. R. R. Tolkien", "J.R. Tolkien", "YubiKey 5.7", "李", "Work/home"]
        {
            assert!(!looks_like_link(name), "{name}");
        }
    }

    #[test]
    fn a_disguised_link_is_detected() {
        for name in [
            "evil\u{200b}.example",
            "evil.e\u{200b}xample",
            "e\u{ad}vil.example",
            "203.0.113.7/login",
            "ada\u{fe6b}evil",
            "evil\u{fe52}example",
            "//evil",
            "tel:123",
        ] {
            assert!(looks_like_link(name), "{name:?}");
        }
        assert!(!looks_like_link("Version 1.2.3"), "three numbers are a version");
    }

    #[test]
    fn a_link_or_an_address_is_detected() {
        for name in [
            "verify at https://evil.example",
            "evil.example",
            "EVIL.EXAMPLE/x",
            "go to evil\u{3002}example now",
            "evil\u{ff0e}example",
            "www.evil",
            "ada@evil",
            "ada\u{ff20}evil",
            "hTTp:evil",
            "xn--e1afmkfd.xn--p1ai",
            "bücher.de",
        ] {
            assert!(looks_like_link(name), "{name}");
        }
    }
}
