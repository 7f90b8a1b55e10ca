//! Page texts in the reader's language.

use crate::browser;
use crate::types::texts;
use leptos::prelude::*;

/// A text in the language of the page.
#[must_use]
pub fn t(english: &'static str) -> &'static str {
    browser::translate(english).unwrap_or(english)
}

/// A text in the language of the page, with values for its placeholders.
#[must_use]
pub fn fill(english: &'static str, values: &[&str]) -> String {
    texts::fill(t(english), values)
}

/// A text with views for its placeholders, such as a name in bold.
pub fn sentence(english: &'static str, values: impl IntoIterator<Item = AnyView>) -> impl IntoView {
    let mut values = values.into_iter();
    let part = |(place, part): (usize, &'static str)| (if place == 0 { None } else { values.next() }, part);
    t(english).split("{}").enumerate().map(part).collect_view()
}

/// A text in bold, for a placeholder of a [`sentence`].
pub fn bold(text: String) -> AnyView {
    view! { <strong class="break-words">{text}</strong> }.into_any()
}

/// A count with its plural form. English and German have the same two (Unicode CLDR: `one` for exactly 1, else
/// `other`); a language with other forms needs its rule here.
#[must_use]
pub fn counted(count: usize, one: &'static str, other: &'static str) -> String {
    if count == 1 { t(one).to_owned() } else { fill(other, &[&count.to_string()]) }
}
