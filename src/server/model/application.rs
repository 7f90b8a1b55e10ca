use super::GroupName;
use super::slug::is_slug;
use crate::server::clock::Timestamp;
use crate::types::DisplayName;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// The id of an application: `[a-z0-9][a-z0-9-]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId(String);

impl ApplicationId {
    /// Parses an id; `None` if it is invalid.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_slug(text, b"-").then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An application that users sign in to, as shared by OpenID Connect, forward-auth and the apps page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    pub id: ApplicationId,
    pub name: DisplayName,
    /// The target of its tile on the apps page.
    pub url: Option<String>,
    /// The version of its logo, if it has one.
    pub logo: Option<String>,
    pub policy: AccessPolicy,
    /// Whether `APPLICATIONS_FILE` defines it; if so, commands do not change it.
    pub from_file: bool,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// Who may use an application, and how they must have signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    pub who: Audience,
    pub method: RequiredMethod,
    /// Maximum age of the authentication.
    pub max_age: Option<Duration>,
}

/// The users who may use an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// No users, which is the default (docs/RULES.md, 18).
    #[default]
    Closed,
    Everybody,
    /// The members of any of these groups.
    Groups(BTreeSet<GroupName>),
}

impl Audience {
    /// The name of an audience without users.
    pub const CLOSED: &str = GroupName::NO_ONE;

    /// Parses [`Audience::CLOSED`], `everybody` or comma-separated group names; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            Self::CLOSED => Some(Self::Closed),
            GroupName::EVERYBODY => Some(Self::Everybody),
            names => {
                names.split(',').map(|name| GroupName::parse(name.trim())).collect::<Option<_>>().map(Self::Groups)
            }
        }
    }

    /// Whether it has no users, for example because its last group was removed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Closed => true,
            Self::Everybody => false,
            Self::Groups(names) => names.is_empty(),
        }
    }

    /// Whether a member of these groups belongs to it.
    #[must_use]
    pub fn includes(&self, groups: &BTreeSet<GroupName>) -> bool {
        match self {
            Self::Closed => false,
            Self::Everybody => true,
            Self::Groups(names) => !names.is_disjoint(groups),
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str(GroupName::EVERYBODY),
            Self::Groups(names) if !names.is_empty() => {
                f.write_str(&names.iter().map(GroupName::as_str).collect::<Vec<_>>().join(","))
            }
            Self::Closed | Self::Groups(_) => f.write_str(Self::CLOSED),
        }
    }
}

/// The sign-in method that an application requires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequiredMethod {
    /// Any method, including a code from an email.
    Any,
    #[default]
    Passkey,
    /// A passkey that reports that it is not backup-eligible. The report is not attested.
    DeviceBound,
}

impl RequiredMethod {
    pub const ALL: [Self; 3] = [Self::Any, Self::Passkey, Self::DeviceBound];

    /// Its name in commands and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Passkey => "passkey",
            Self::DeviceBound => "device-bound",
        }
    }

    /// The inverse of [`RequiredMethod::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_methods_have_the_documented_form() {
        for id in ["a", "grafana", "open-webui", "2fa"] {
            assert_eq!(ApplicationId::parse(id).unwrap().as_str(), id);
        }
        for id in ["", "-a", "a.b", "a_b", "A", &"x".repeat(65)] {
            assert_eq!(ApplicationId::parse(id), None, "{id}");
        }
        for method in RequiredMethod::ALL {
            assert_eq!(RequiredMethod::parse(method.name()), Some(method));
        }
    }

    #[test]
    fn audiences_round_trip_and_invalid_names_are_refused() {
        for text in [Audience::CLOSED, "everybody", "family", "family,friends"] {
            assert_eq!(Audience::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Audience::parse("friends, family").unwrap().to_string(), "family,friends");
        for text in ["", "family,", "Family", "a b", "everybody,family", "family,nobody"] {
            assert_eq!(Audience::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_audience_is_closed_by_default() {
        let family = BTreeSet::from([GroupName::parse("family").unwrap()]);
        assert!(!Audience::default().includes(&family) && Audience::Groups(BTreeSet::new()).is_closed());
        assert_eq!(Audience::Groups(BTreeSet::new()).to_string(), Audience::CLOSED);
        assert!(Audience::Everybody.includes(&BTreeSet::new()));
        assert!(Audience::parse("friends,family").unwrap().includes(&family));
        assert!(!Audience::parse("friends").unwrap().includes(&family));
    }
}
