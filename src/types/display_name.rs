use std::fmt;

/// A display name: 1 to 64 characters without surrounding white space, none of them a control or bidirectional
/// formatting character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

/// The text is not a display name.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidDisplayName;

impl DisplayName {
    const MAX_CHARS: usize = 64;

    /// Parses a display name.
    ///
    /// # Errors
    /// [`InvalidDisplayName`] when the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidDisplayName> {
        let is_forbidden = |c: char| c.is_control() || is_bidi_control(c) || matches!(c, '\u{2028}' | '\u{2029}');
        let text = text.trim();
        if text.chars().any(is_forbidden) {
            return Err(InvalidDisplayName);
        }
        let valid =
            !text.is_empty() && text.chars().count() <= Self::MAX_CHARS && text.chars().any(|c| !is_invisible(c));
        valid.then(|| Self(text.to_owned())).ok_or(InvalidDisplayName)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The characters of Unicode's property `Bidi_Control` (Unicode Standard Annex 9, section 2).
pub(super) fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Invisible characters; a name made only of them would look empty.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{00ad}' | '\u{180e}' | '\u{115f}' | '\u{1160}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_accepted_and_trimmed() {
        for (typed, kept) in
            [("Ada", "Ada"), ("\u{a0} Ada Lovelace\t\r\n", "Ada Lovelace"), ("李", "李"), ("<b>x</b>", "<b>x</b>")]
        {
            assert_eq!(DisplayName::parse(typed).unwrap().as_str(), kept);
        }
        assert!(DisplayName::parse(&"é".repeat(64)).is_ok(), "64 characters, not bytes");
    }

    #[test]
    fn empty_overlong_control_and_bidirectional_text_is_refused() {
        for text in [
            "",
            "   ",
            "\u{200b}",
            "\u{2800}",
            "\u{3164}",
            "\u{e0041}",
            "a\u{0}b",
            "a\nb",
            "a\u{202e}b",
            "\u{2066}a",
            "a\u{85}x",
            "A\tda",
            &"x".repeat(65),
        ] {
            assert_eq!(DisplayName::parse(text), Err(InvalidDisplayName), "{text:?}");
        }
    }
}
