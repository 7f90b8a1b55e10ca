/// The site as pages and emails describe it, chosen by the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Setting `SITE_NAME`.
    pub name: String,
    /// Where its logo is, which stands before the name.
    pub logo: &'static str,
    /// Where its colour is, if it has one of its own.
    pub colours: Option<&'static str>,
    /// Where people ask for help: an address with its scheme. Setting `SUPPORT_CONTACT`.
    pub support: Option<String>,
    /// Links at the foot of every page, such as an imprint (setting `SITE_LINKS`).
    pub links: Vec<SiteLink>,
    /// Whether anybody may sign up. Setting `SIGN_UP`.
    pub is_open: bool,
}

/// A link at the foot of every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteLink {
    pub label: String,
    pub address: String,
}
