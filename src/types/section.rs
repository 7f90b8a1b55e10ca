/// A section of the account; each has its own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Overview,
    Profile,
    Passkeys,
    RecoveryCodes,
    Devices,
    Activity,
    Data,
}

impl Section {
    /// In the order of the menu.
    pub const ALL: [Self; 7] =
        [Self::Overview, Self::Profile, Self::Passkeys, Self::RecoveryCodes, Self::Devices, Self::Activity, Self::Data];

    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/account",
            Self::Profile => "/account/profile",
            Self::Passkeys => "/account/passkeys",
            Self::RecoveryCodes => "/account/recovery-codes",
            Self::Devices => "/account/devices",
            Self::Activity => "/account/activity",
            Self::Data => "/account/data",
        }
    }

    /// Its name in the menu, and the title of its page.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Profile => "Profile",
            Self::Passkeys => "Passkeys",
            Self::RecoveryCodes => "Recovery codes",
            Self::Devices => "Devices",
            Self::Activity => "Activity",
            Self::Data => "Your data",
        }
    }

    /// The section at a path.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.path() == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_found_by_its_path() {
        for section in Section::ALL {
            assert_eq!(Section::from_path(section.path()), Some(section));
        }
        assert_eq!(Section::from_path("/account/"), None);
    }
}
