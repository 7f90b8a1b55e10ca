//! Names that people chose, on their way into genuine emails.

/// Whether a name could be taken for a link or an address, by a reader or by a mail program that makes links of what looks
/// like one. Such a name is not put into an email (docs/RULES.md, 10).
#[must_use]
pub fn looks_like_link(name: &str) -> bool {
    const MARKS: [&str; 6] = ["@", "\u{ff20}", "://", "www.", "http", "mailto:"];
    let name = name.to_lowercase();
    MARKS.iter().any(|mark| name.contains(mark)) || has_domain(&name)
}

/// Whether a dot, also one that browsers read as such (UTS 46), stands between a letter or digit and a word of two or more.
fn has_domain(name: &str) -> bool {
    const DOTS: [char; 5] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}', '\u{2024}'];
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
    fn names_of_people_and_things_pass() {
        for name in
            ["Ada", "Ada Lovelace", "Dr. Ada", "J. R. R. Tolkien", "J.R. Tolkien", "YubiKey 5.7", "李", "Work/home"]
        {
            assert!(!looks_like_link(name), "{name}");
        }
    }

    #[test]
    fn what_reads_like_a_link_or_an_address_does_not() {
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
