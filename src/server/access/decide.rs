//! The policy of applications as one pure function. Every rule must allow the user.

use crate::server::clock::Timestamp;
use crate::server::model::application::RequiredMethod;
use crate::server::model::assurance::{Assurance, Strength};
use crate::server::model::{Application, GroupName, User};
use std::collections::BTreeSet;

/// Everything that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct PolicyInput<'a> {
    pub user: &'a User,
    pub application: &'a Application,
    /// The groups of the user.
    pub groups: &'a BTreeSet<GroupName>,
    pub assurance: Assurance,
    /// When an authorization request is answered; `None` if the age of the authentication does not count, such as for a
    /// refresh.
    pub answered_at: Option<Timestamp>,
}

/// Whether a user may use an application now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Refused(Reason),
}

/// Why a user may not use an application now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    AccountDisabled,
    ApplicationDisabled,
    /// The user is in none of the application's groups, or the application is closed.
    NotInAudience,
    /// The session cannot use any application; only another sign-in method helps.
    SignInTooWeak,
    NeedsPasskey,
    NeedsDeviceBoundPasskey,
    /// The authentication is older than the application accepts.
    TooOld,
}

impl Reason {
    /// Whether a new authentication with a passkey can help; otherwise only an administrator can.
    #[must_use]
    pub fn can_sign_in_resolve(self) -> bool {
        match self {
            Self::SignInTooWeak | Self::NeedsPasskey | Self::NeedsDeviceBoundPasskey | Self::TooOld => true,
            Self::AccountDisabled | Self::ApplicationDisabled | Self::NotInAudience => false,
        }
    }
}

/// Decides whether a user may use an application. Reasons that no sign-in can resolve come first.
#[must_use]
pub fn decide(input: PolicyInput<'_>) -> Verdict {
    let PolicyInput { user, application, groups, assurance, answered_at } = input;
    let policy = &application.policy;
    let age = answered_at.map(|now| now.since(assurance.authenticated_at));
    let is_too_old = policy.max_age.zip(age).is_some_and(|(max_age, age)| age > max_age);
    let reason = if user.disabled_at.is_some() {
        Reason::AccountDisabled
    } else if application.disabled_at.is_some() {
        Reason::ApplicationDisabled
    } else if !policy.who.includes(groups) {
        Reason::NotInAudience
    } else if assurance.strength == Strength::NoApplication {
        Reason::SignInTooWeak
    } else if policy.method >= RequiredMethod::Passkey && assurance.strength < Strength::Passkey {
        Reason::NeedsPasskey
    } else if policy.method == RequiredMethod::DeviceBound && assurance.strength < Strength::DeviceBoundPasskey {
        Reason::NeedsDeviceBoundPasskey
    } else if is_too_old {
        Reason::TooOld
    } else {
        return Verdict::Allowed;
    };
    Verdict::Refused(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::model::application::{AccessPolicy, Audience};
    use crate::server::model::{ApplicationId, UserId};
    use crate::types::{DisplayName, Language, Username};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_unix_millis(1_795_000_000_000);
    const MAX_AGE: Duration = Duration::from_hours(1);

    fn user(is_disabled: bool) -> User {
        User {
            id: UserId(uuid::Uuid::nil()),
            username: Username::parse("ada").unwrap(),
            display_name: DisplayName::parse("Ada").unwrap(),
            email: None,
            email_verified: false,
            created_at: NOW,
            username_changed_at: None,
            lockdown: None,
            language: Language::English,
            disabled_at: is_disabled.then_some(NOW),
        }
    }

    fn application(who: Audience, method: RequiredMethod, has_max_age: bool) -> Application {
        Application {
            id: ApplicationId::parse("grafana").unwrap(),
            name: DisplayName::parse("Grafana").unwrap(),
            url: None,
            logo: None,
            policy: AccessPolicy { who, method, max_age: has_max_age.then_some(MAX_AGE) },
            from_file: false,
            disabled_at: None,
            created_at: NOW,
        }
    }

    /// Independent of [`decide`]: derives each refusal from the row of the contract that requires it.
    fn expected(row: &Row) -> Verdict {
        let by_passkey = matches!(row.strength, Strength::Passkey | Strength::DeviceBoundPasskey);
        let is_method_met = match row.method {
            RequiredMethod::Any => row.strength != Strength::NoApplication,
            RequiredMethod::Passkey => by_passkey,
            RequiredMethod::DeviceBound => row.strength == Strength::DeviceBoundPasskey,
        };
        let is_in = row.who == "everybody" || (row.who == "family" && row.is_member);
        if !row.is_disabled && is_in && is_method_met && (!row.has_max_age || row.age <= MAX_AGE) {
            return Verdict::Allowed;
        }
        Verdict::Refused(match row {
            row if row.is_disabled => Reason::AccountDisabled,
            _ if !is_in => Reason::NotInAudience,
            row if row.strength == Strength::NoApplication => Reason::SignInTooWeak,
            _ if !is_method_met && !by_passkey => Reason::NeedsPasskey,
            _ if !is_method_met => Reason::NeedsDeviceBoundPasskey,
            _ => Reason::TooOld,
        })
    }

    struct Row {
        is_disabled: bool,
        who: &'static str,
        is_member: bool,
        method: RequiredMethod,
        strength: Strength,
        has_max_age: bool,
        age: Duration,
    }

    fn rows() -> Vec<Row> {
        let mut rows = Vec::new();
        let ages = [Duration::ZERO, MAX_AGE, MAX_AGE + Duration::from_millis(1)];
        let strengths = [Strength::NoApplication, Strength::Email, Strength::Passkey, Strength::DeviceBoundPasskey];
        for is_disabled in [false, true] {
            for (who, is_member) in
                [(Audience::CLOSED, true), ("everybody", false), ("family", true), ("family", false)]
            {
                for method in RequiredMethod::ALL {
                    for strength in strengths {
                        for (has_max_age, age) in ages.into_iter().flat_map(|age| [(false, age), (true, age)]) {
                            rows.push(Row { is_disabled, who, is_member, method, strength, has_max_age, age });
                        }
                    }
                }
            }
        }
        rows
    }

    #[test]
    fn every_combination_is_decided_as_the_contract_requires() {
        let family = BTreeSet::from([GroupName::parse("family").unwrap()]);
        let rows = rows();
        assert_eq!(rows.len(), 2 * 4 * 3 * 4 * 6);
        for row in rows {
            let application = application(Audience::parse(row.who).unwrap(), row.method, row.has_max_age);
            let groups = if row.is_member { family.clone() } else { BTreeSet::new() };
            let assurance = Assurance { strength: row.strength, authenticated_at: NOW.minus(row.age) };
            let user = user(row.is_disabled);
            let facts = PolicyInput {
                user: &user,
                application: &application,
                groups: &groups,
                assurance,
                answered_at: Some(NOW),
            };
            let is = (row.is_disabled, row.who, row.is_member, row.method, row.strength, row.has_max_age, row.age);
            assert_eq!(decide(facts), expected(&row), "{is:?}");
        }
    }

    #[test]
    fn age_counts_when_an_authorization_request_is_answered_and_not_at_a_refresh() {
        let application = application(Audience::Everybody, RequiredMethod::Any, true);
        let assurance = Assurance { strength: Strength::Passkey, authenticated_at: NOW.minus(2 * MAX_AGE) };
        let (user, groups) = (user(false), BTreeSet::new());
        let facts =
            PolicyInput { user: &user, application: &application, groups: &groups, assurance, answered_at: None };
        assert_eq!(decide(facts), Verdict::Allowed);
        assert_eq!(decide(PolicyInput { answered_at: Some(NOW), ..facts }), Verdict::Refused(Reason::TooOld));
    }

    #[test]
    fn a_disabled_application_refuses_everyone() {
        let mut application = application(Audience::Everybody, RequiredMethod::Any, false);
        application.disabled_at = Some(NOW);
        let assurance = Assurance { strength: Strength::DeviceBoundPasskey, authenticated_at: NOW };
        let (user, groups) = (user(false), BTreeSet::new());
        let facts =
            PolicyInput { user: &user, application: &application, groups: &groups, assurance, answered_at: Some(NOW) };
        assert_eq!(decide(facts), Verdict::Refused(Reason::ApplicationDisabled));
        assert!(!Reason::ApplicationDisabled.can_sign_in_resolve() && Reason::TooOld.can_sign_in_resolve());
    }
}
