use crate::types::{Language, texts, views};

/// The browser and operating system of a request, from its `User-Agent`: for display only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    pub browser: Option<String>,
    pub system: Option<String>,
}

impl Client {
    /// An unknown client: an action on the server's command line, or by a link in an email.
    pub const UNKNOWN: Self = Self { browser: None, system: None };

    /// Browser and system, such as "Chrome on Linux"; `None` if neither is known.
    #[must_use]
    pub fn describe(&self, language: Language) -> Option<String> {
        match (&self.browser, &self.system) {
            (Some(browser), Some(system)) => {
                Some(texts::fill(texts::translate("{} on {}", language), &[browser, system]))
            }
            (Some(only), None) | (None, Some(only)) => Some(only.clone()),
            (None, None) => None,
        }
    }

    #[must_use]
    pub fn view(&self) -> views::Client {
        views::Client { browser: self.browser.clone(), system: self.system.clone() }
    }
}
