use crate::types::views;

/// The browser and operating system of a request, from its `User-Agent`: for display only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    pub browser: Option<String>,
    pub system: Option<String>,
}

impl Client {
    /// An unknown client: an action on the server's command line, or by a link in an email.
    pub const UNKNOWN: Self = Self { browser: None, system: None };

    /// Browser and system in English, such as "Chrome on Linux"; `None` if neither is known.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        match (&self.browser, &self.system) {
            (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
            (Some(only), None) | (None, Some(only)) => Some(only.clone()),
            (None, None) => None,
        }
    }

    #[must_use]
    pub fn view(&self) -> views::Client {
        views::Client { browser: self.browser.clone(), system: self.system.clone() }
    }
}
