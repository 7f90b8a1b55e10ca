use std::collections::BTreeSet;
use std::fmt;

/// A scope that the provider knows (OpenID Connect Core, section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    OpenId,
    Profile,
    Email,
    Groups,
    OfflineAccess,
}

impl Scope {
    pub const ALL: [Self; 5] = [Self::OpenId, Self::Profile, Self::Email, Self::Groups, Self::OfflineAccess];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Groups => "groups",
            Self::OfflineAccess => "offline_access",
        }
    }

    /// Its line on the consent page; `None` for `openid`, which needs no explanation.
    #[must_use]
    pub fn sentence(self) -> Option<&'static str> {
        Some(match self {
            Self::OpenId => return None,
            Self::Profile => "Your name and username",
            Self::Email => "Your email address",
            Self::Groups => "The groups you belong to",
            Self::OfflineAccess => "Access after you sign out here",
        })
    }
}

/// The scopes of a request or a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Parses space-separated scopes. Unknown and repeated ones are ignored (RFC 6749, section 3.3).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.split(' ').filter_map(|word| Scope::ALL.into_iter().find(|scope| scope.name() == word)).collect())
    }

    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn is_subset(&self, of: &Self) -> bool {
        self.0.is_subset(&of.0)
    }

    /// The scopes that are in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).copied().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_repetition_and_unknown_scopes_are_ignored() {
        let scopes = Scopes::parse("email openid address openid  offline_access openid2");
        assert_eq!(scopes.to_string(), "openid email offline_access");
        assert!(scopes.has(Scope::Email) && !scopes.has(Scope::Profile));
        assert!(Scopes::parse("openid").is_subset(&scopes) && !scopes.is_subset(&Scopes::parse("openid")));
        assert_eq!(Scopes::parse("").to_string(), "");
    }
}
