/// How pages and emails present the site, as configured by the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Setting `SITE_NAME`.
    pub name: String,
    /// The address of its logo.
    pub logo: &'static str,
    /// The address of its colours, if the administrator set one.
    pub colours: Option<&'static str>,
    /// The address for help, with its scheme. Setting `SUPPORT_CONTACT`.
    pub support: Option<String>,
    /// Links at the foot of every page, such as an imprint (setting `SITE_LINKS`).
    pub links: Vec<SiteLink>,
    /// Whether sign-up needs no invitation. Setting `SIGN_UP`.
    pub is_open: bool,
}

/// A link at the foot of every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteLink {
    pub label: String,
    pub address: String,
}
