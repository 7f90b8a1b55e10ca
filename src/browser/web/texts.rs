//! The translations that the page contains.

use super::page::document;
use crate::types::texts;

thread_local! {
    /// Translations by key; empty for English.
    static TEXTS: Vec<(u32, &'static str)> = embedded_texts().unwrap_or_default();
}

fn embedded_texts() -> Option<Vec<(u32, &'static str)>> {
    let embedded = document()?.get_element_by_id(texts::EMBEDDED_ID)?.text_content()?;
    // Leaked once per page.
    let embedded: &'static str = Box::leak(embedded.into_boxed_str());
    let pair = |line: &'static str| Some((u32::from_str_radix(line.get(..8)?, 16).ok()?, line.get(9..)?));
    Some(embedded.lines().filter_map(pair).collect())
}

/// A text in the language of the page; `None` if the page does not contain it.
pub fn translate(english: &'static str) -> Option<&'static str> {
    TEXTS.with(|texts| {
        // Pages in English contain no translations.
        let key = (!texts.is_empty()).then(|| texts::key(english))?;
        texts.iter().find(|(known, _)| *known == key).map(|(_, text)| *text)
    })
}
