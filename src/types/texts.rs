//! Translations of all texts. The English text in the code is the key; `texts/` has one file per language.

use super::Language;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The file of a language; English has none.
fn file(language: Language) -> &'static str {
    match language {
        Language::English => "",
        Language::German => include_str!("../../texts/de.txt"),
    }
}

/// Every text of every language.
static TRANSLATIONS: LazyLock<HashMap<(Language, &'static str), &'static str>> = LazyLock::new(|| {
    let of = |language: Language| all(language).map(move |(english, other)| ((language, english), other));
    Language::ALL.into_iter().flat_map(of).collect()
});

/// All pairs of a language, in the order of its file: a line in English, then a line that begins with a tab and has the
/// translation. Lines that begin with `#` are comments.
pub fn all(language: Language) -> impl Iterator<Item = (&'static str, &'static str)> {
    pairs(file(language))
}

fn pairs(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = move || file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines().zip(lines().skip(1)).filter_map(|(english, other)| Some((english, other.strip_prefix('\t')?)))
}

/// The translation of an English text; the text itself if there is none, which a test rules out.
#[must_use]
pub fn translate(english: &'static str, language: Language) -> &'static str {
    look_up(english, language).unwrap_or(english)
}

/// The translation of a text that may be user input, such as a detail in the activity; `None` if there is none.
#[must_use]
pub fn look_up(english: &str, language: Language) -> Option<&'static str> {
    // Shortens the lifetime of the keys, since the text need not be `'static`.
    let translations: &HashMap<(Language, &str), &'static str> = &TRANSLATIONS;
    translations.get(&(language, english)).copied()
}

/// The id of the element with the translations for the islands of a page.
pub const EMBEDDED_ID: &str = "texts";

/// The translations for the islands of a page: a line for each text, with its key in eight hexadecimal digits. Empty for
/// English.
#[must_use]
pub fn embedded(language: Language) -> String {
    let part = file(language).split(SERVER_PART).next().unwrap_or_default();
    pairs(part).fold(String::new(), |so_far, (english, other)| so_far + &format!("{:08x} {other}\n", key(english)))
}

/// The line after the texts that islands need.
const SERVER_PART: &str = "\n#! server\n";

/// Replaces the placeholders `{}` of a text by values, in order.
#[must_use]
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.enumerate();
    rest.fold(first, |so_far, (place, part)| so_far + values.get(place).unwrap_or(&"") + part)
}

/// The key under which a page stores the translation of an English text: FNV-1a with 32 bits (draft-eastlake-fnv). A
/// test rules out that two texts have the same key.
#[must_use]
pub fn key(english: &str) -> u32 {
    english.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lines_are_pairs_and_texts_are_unique() {
        let lines = file(Language::German).lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert_eq!(lines, all(Language::German).count() * 2, "an English line, then a tab and its translation");
        let english: HashSet<_> = all(Language::German).map(|(english, _)| english).collect();
        assert_eq!(english.len() * 2, lines, "duplicate text");
        let keys: HashSet<_> = english.iter().map(|text| key(text)).collect();
        assert_eq!(keys.len(), english.len(), "two texts have the same key");
    }

    #[test]
    fn every_file_has_one_server_marker() {
        for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
            assert_eq!(file(language).matches(SERVER_PART).count(), 1, "{language:?}");
            assert!(
                !embedded(language).is_empty()
                    && pairs(file(language)).count() > 2 * embedded(language).lines().count()
            );
        }
    }

    #[test]
    fn translations_have_the_same_placeholders() {
        for (english, other) in all(Language::German) {
            assert_eq!(english.matches("{}").count(), other.matches("{}").count(), "{english}");
            assert_eq!((english.trim(), other.trim()), (english, other), "spaces belong to the page");
        }
    }

    #[test]
    fn placeholders_are_filled_in_order() {
        assert_eq!(fill("{} on {}.", &["Firefox", "Linux"]), "Firefox on Linux.");
        assert_eq!(fill("plain", &["x"]), "plain");
        assert_eq!(fill("{}", &["{}"]), "{}");
    }
}
