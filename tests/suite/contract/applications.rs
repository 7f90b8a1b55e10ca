//! Tests of groups, roles, applications and access policies.

use super::store::{NOW, add_account, on_both};
use latchkey::server::model::application::{AccessPolicy, Audience, RequiredMethod};
use latchkey::server::model::role::RoleGrant;
use latchkey::server::model::{Application, ApplicationId, Group, GroupName, Invitation, Issuer, Role, UserId};
use latchkey::server::secret::SystemEntropy;
use latchkey::server::store::{Insertion, Store};
use latchkey::types::{DisplayName, Identifier};
use std::collections::BTreeSet;
use std::time::Duration;

pub fn name(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

pub fn group(text: &str, is_default: bool) -> Group {
    let title = DisplayName::parse(text).unwrap();
    Group { name: name(text), title, is_default, from_file: false, created_at: NOW }
}

pub fn application(id: &str, who: &str) -> Application {
    let who = Audience::parse(who).unwrap();
    Application {
        id: ApplicationId::parse(id).unwrap(),
        name: DisplayName::parse(id).unwrap(),
        url: Some("https://app.example.org/".to_owned()),
        logo: Some("0123456789abcdef".to_owned()),
        policy: AccessPolicy { who, method: RequiredMethod::DeviceBound, max_age: Some(Duration::from_hours(12)) },
        from_file: false,
        disabled_at: None,
        created_at: NOW,
    }
}

pub async fn put(store: &dyn Store, groups: &[Group], applications: &[Application]) {
    let mut unit = store.begin().await.unwrap();
    for group in groups {
        unit.put_group(group).await.unwrap();
    }
    for application in applications {
        if unit.add_application(application).await.unwrap() == Insertion::Conflict {
            assert!(unit.lock_application(&application.id).await.unwrap().is_some());
            unit.change_application(application).await.unwrap();
        }
        assert_eq!(unit.set_application_groups(application).await.unwrap(), None);
    }
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn users_join_and_leave_groups_and_lists_count_members() {
    on_both(async |store| {
        put(&*store, &[group("family", false), group("admins", false), group("zoo", false)], &[]).await;
        let ada = add_account(&*store, "ada").await.0.id;
        let mut unit = store.begin().await.unwrap();
        assert!(unit.join_group(ada, &name("family"), NOW).await.unwrap());
        assert!(!unit.join_group(ada, &name("family"), NOW).await.unwrap(), "already a member");
        assert!(!unit.join_group(ada, &name("ghosts"), NOW).await.unwrap(), "no such group");
        assert!(unit.join_group(ada, &name("zoo"), NOW).await.unwrap());
        unit.commit().await.unwrap();
        assert_eq!(store.groups_of(ada).await.unwrap(), BTreeSet::from([name("family"), name("zoo")]));
        let page = store.groups(None, 2).await.unwrap();
        let seen: Vec<_> = page.iter().map(|(group, members)| (group.name.as_str(), *members)).collect();
        assert_eq!(seen, [("admins", 0), ("family", 1)]);
        let page = store.groups(Some(&name("family")), 2).await.unwrap();
        assert_eq!(page.len(), 1);

        let retitled = Group { title: DisplayName::parse("The family").unwrap(), ..group("family", true) };
        put(&*store, std::slice::from_ref(&retitled), &[]).await;
        assert_eq!(store.group(&name("family")).await.unwrap(), Some(retitled), "members and creation time are kept");
        assert_eq!(store.groups_of(ada).await.unwrap().len(), 2);
        let mut unit = store.begin().await.unwrap();
        assert!(unit.leave_group(ada, &name("zoo")).await.unwrap());
        assert!(!unit.leave_group(ada, &name("zoo")).await.unwrap());
        assert!(unit.remove_group(&name("family")).await.unwrap());
        assert!(!unit.remove_group(&name("family")).await.unwrap());
        unit.commit().await.unwrap();
        assert_eq!(store.groups_of(ada).await.unwrap(), BTreeSet::new());
    })
    .await;
}

#[tokio::test]
async fn new_accounts_join_default_groups_and_the_groups_of_their_invitation() {
    on_both(async |store| {
        put(&*store, &[group("everyone", true), group("family", false), group("zoo", false)], &[]).await;
        let issuer = Issuer { now: NOW, entropy: &SystemEntropy };
        let (invitation, _) = Invitation::new(None, 2, Duration::from_hours(1), issuer);
        let mut unit = store.begin().await.unwrap();
        unit.add_invitation(&invitation).await.unwrap();
        assert!(unit.add_group_to_invitation(invitation.id, &name("family")).await.unwrap());
        assert!(!unit.add_group_to_invitation(invitation.id, &name("ghosts")).await.unwrap());
        unit.commit().await.unwrap();
        let (ada, eve) = (add_account(&*store, "ada").await.0.id, add_account(&*store, "eve").await.0.id);
        let mut unit = store.begin().await.unwrap();
        unit.join_initial_groups(ada, Some(&invitation.link_hash), NOW).await.unwrap();
        unit.join_initial_groups(eve, None, NOW).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(store.groups_of(ada).await.unwrap(), BTreeSet::from([name("everyone"), name("family")]));
        assert_eq!(store.groups_of(eve).await.unwrap(), BTreeSet::from([name("everyone")]));
    })
    .await;
}

#[tokio::test]
async fn an_application_is_read_with_its_groups_and_those_of_a_user() {
    on_both(async |store| {
        put(&*store, &[group("family", false), group("friends", false), group("zoo", false)], &[]).await;
        let (open, grouped) = (application("wiki", "everybody"), application("photos", "family,friends"));
        let closed = Application { url: None, disabled_at: Some(NOW), ..application("vault", Audience::CLOSED) };
        put(&*store, &[], &[open.clone(), grouped.clone(), closed.clone()]).await;
        assert_eq!(store.application(&grouped.id).await.unwrap().as_ref(), Some(&grouped));
        assert_eq!(
            store.applications(None, 2).await.unwrap(),
            [grouped.clone(), closed.clone()],
            "the limit counts applications"
        );
        assert_eq!(store.applications(Some(&closed.id), 2).await.unwrap(), std::slice::from_ref(&open));

        let ada = add_account(&*store, "ada").await.0.id;
        let mut unit = store.begin().await.unwrap();
        for group in ["family", "zoo"] {
            unit.join_group(ada, &name(group), NOW).await.unwrap();
        }
        unit.commit().await.unwrap();
        let (found, facts) = store.application_for(&grouped.id, ada).await.unwrap().unwrap();
        assert_eq!((found, facts.groups), (grouped.clone(), BTreeSet::from([name("family"), name("zoo")])));
        assert_eq!(facts.passkeys, store.passkeys(ada).await.unwrap());
        let eve = UserId::random(&SystemEntropy);
        assert_eq!(store.application_for(&open.id, eve).await.unwrap(), None, "no such user");

        let mut unit = store.begin().await.unwrap();
        let unknown = unit.set_application_groups(&application("wiki", "family,ghosts")).await.unwrap();
        assert_eq!(unknown, Some(name("ghosts")));
        drop(unit);
        assert_eq!(store.application(&open.id).await.unwrap(), Some(open.clone()), "the change was rolled back");
        let changed = Application { created_at: open.created_at, ..application("wiki", "friends") };
        put(&*store, &[], std::slice::from_ref(&changed)).await;
        assert_eq!(store.application(&open.id).await.unwrap(), Some(changed));

        let mut unit = store.begin().await.unwrap();
        unit.remove_group(&name("friends")).await.unwrap();
        assert!(unit.remove_application(&closed.id).await.unwrap());
        assert!(!unit.remove_application(&closed.id).await.unwrap());
        unit.commit().await.unwrap();
        let wiki = store.application(&open.id).await.unwrap().unwrap();
        assert_eq!(wiki.policy.who, Audience::Groups(BTreeSet::new()), "without its last group it is closed");
        assert_eq!(store.application_for(&closed.id, ada).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_removals_of_two_owners_keep_one() {
    on_both(async |store| {
        let (ada, eve) = (add_account(&*store, "ada").await.0.id, add_account(&*store, "eve").await.0.id);
        let mut unit = store.begin().await.unwrap();
        for user_id in [ada, eve] {
            let grant = RoleGrant { user_id, role: Role::Owner, granted_at: NOW };
            assert!(unit.grant_role(&grant).await.unwrap());
            assert!(!unit.grant_role(&grant).await.unwrap(), "already granted");
        }
        unit.commit().await.unwrap();
        let takes = [ada, eve].map(|user| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut unit = store.begin().await.unwrap();
                let is_last = unit.lock_owners().await.unwrap() == [(user, true)];
                if !is_last {
                    assert!(unit.revoke_role(user, Role::Owner).await.unwrap());
                    unit.commit().await.unwrap();
                }
                is_last
            })
        });
        let mut last = 0;
        for take in takes {
            last += usize::from(take.await.unwrap());
        }
        assert_eq!(last, 1);
        let roles = store.roles(None, 10).await.unwrap();
        assert_eq!(roles.len(), 1);
        let owner = roles[0].0.id;
        assert_eq!(store.roles_of(owner).await.unwrap(), [Role::Owner]);
        assert!(store.roles(Some((owner, Role::Owner)), 10).await.unwrap().is_empty());
        let ada = store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        assert_eq!(store.roles_of(ada.id).await.unwrap().len() + store.roles_of(eve).await.unwrap().len(), 1);
    })
    .await;
}
