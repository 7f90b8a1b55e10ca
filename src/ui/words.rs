//! What pages say, in the language of whoever reads them.

use crate::browser;
use crate::types::texts;

/// A text in the language of the page.
#[must_use]
pub fn t(english: &'static str) -> &'static str {
    browser::translated(english).unwrap_or(english)
}

/// A text in the language of the page, with values in its places.
#[must_use]
pub fn fill(english: &'static str, values: &[&str]) -> String {
    texts::filled(t(english), values)
}
