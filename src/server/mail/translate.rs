//! Translates the texts of emails into the recipient's language.

use crate::server::model::Client;
use crate::types::{Language, texts};
use std::fmt::Display;

/// Browser and system, as far as they are known.
pub(super) fn device(client: &Client, translator: Translator) -> String {
    client.describe(translator.0).unwrap_or_else(|| translator.t("Unknown device").to_owned())
}

/// Translates into one language.
#[derive(Clone, Copy)]
pub(super) struct Translator(pub(super) Language);

impl Translator {
    pub(super) fn t(self, english: &'static str) -> &'static str {
        texts::translate(english, self.0)
    }

    pub(super) fn with(self, english: &'static str, value: impl Display) -> String {
        texts::fill(self.t(english), &[&value.to_string()])
    }
}

/// Gives templates methods that translate.
macro_rules! translation_methods {
    ($($values:ident)*) => {$(
        impl $values<'_> {
            fn t(&self, english: &'static str) -> &'static str {
                Translator(self.language).t(english)
            }

            fn with(&self, english: &'static str, value: impl Display) -> String {
                Translator(self.language).with(english, value)
            }

            fn greeting(&self) -> String {
                if self.name.is_empty() { self.t("Hello,").to_owned() } else { self.with("Hello {},", self.name) }
            }
        }
    )*};
}

pub(super) use translation_methods;
