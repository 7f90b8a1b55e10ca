use super::slug::is_slug;
use crate::server::clock::Timestamp;
use crate::types::DisplayName;
use std::fmt;

/// The name of a group in commands, policies and the `groups` claim: `[a-z0-9][a-z0-9._-]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(String);

impl GroupName {
    /// Reserved words for audiences in policies; no group can have these names.
    pub const EVERYBODY: &str = "everybody";
    pub const NO_ONE: &str = "nobody";

    /// Parses a name; `None` if it is invalid or reserved.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_free = text != Self::EVERYBODY && text != Self::NO_ONE;
        (is_slug(text, b"._-") && is_free).then(|| Self(text.to_owned()))
    }

    /// The default title of a group.
    #[must_use]
    pub fn as_title(&self) -> Option<DisplayName> {
        DisplayName::parse(&self.0).ok()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A flat group of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: GroupName,
    /// Display name.
    pub title: DisplayName,
    /// Whether every new account joins it.
    pub is_default: bool,
    /// Whether `APPLICATIONS_FILE` defines it; if so, commands change only its members.
    pub from_file: bool,
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_allow_only_the_documented_characters() {
        for name in ["a", "0", "family", "a.b_c-d", &"x".repeat(64)] {
            assert_eq!(GroupName::parse(name).unwrap().as_str(), name);
            assert_eq!(GroupName::parse(name).unwrap().as_title().unwrap().as_str(), name);
        }
        for name in [
            "",
            "-a",
            ".a",
            "_a",
            "A",
            "ä",
            "a b",
            "a,b",
            "a/b",
            &"x".repeat(65),
            GroupName::EVERYBODY,
            GroupName::NO_ONE,
        ] {
            assert_eq!(GroupName::parse(name), None, "{name}");
        }
    }
}
