//! Tests of account changes on every database.

use super::store::{NOW, each_store, passkey, session, user};
use latchkey::server::keys::KeyedHash;
use latchkey::server::model::email_queue::OutgoingEmail;
use latchkey::server::model::notification::{NewNotification, Notification, Occasion};
use latchkey::server::model::recovery::RecoveryCode;
use latchkey::server::model::{
    AddedWith, Client, Event, EventKind, Issuer, KnownBrowser, Lockdown, Passkey, User, UserId, event,
};
use latchkey::server::secret::{SystemEntropy, TokenHash};
use latchkey::server::store::{Insertion, Store, Unit};
use latchkey::types::{EmailAddress, Identifier, Username};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

async fn create_user(store: &Arc<dyn Store>, name: &str) -> User {
    let user = user(name);
    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.add_user(&user).await.unwrap(), Insertion::Done);
    unit.commit().await.unwrap();
    user
}

async fn add(unit: &mut Box<dyn Unit>, passkey: &Passkey) {
    assert_eq!(unit.add_passkey(passkey).await.unwrap(), Insertion::Done);
}

fn email_about(owner: &User, address: &str, hours_ago: u32, can_undo: bool) -> Notification {
    let (client, address) = (Client { browser: None, system: None }, EmailAddress::parse(address).unwrap());
    let notification = NewNotification {
        user_id: Some(owner.id),
        occasion: Occasion::AddressChanged,
        detail: None,
        address: &address,
        name: &owner.display_name,
        language: owner.language,
        can_undo,
        client: &client,
    };
    Notification::new(notification, Issuer { now: NOW.minus(HOUR * hours_ago), entropy: &SystemEntropy })
}

#[tokio::test]
async fn suspension_covers_passkeys_added_since_a_time_except_the_one_from_sign_up() {
    for (_database, store) in each_store().await {
        let owner = create_user(&store, "ada").await;
        let passkey_added =
            |added_with, hours: u32| Passkey { added_with, created_at: NOW.minus(HOUR * hours), ..passkey(&owner) };
        let all = [
            passkey_added(AddedWith::SignUp, 1),
            passkey_added(AddedWith::Email, 80),
            passkey_added(AddedWith::Email, 2),
            passkey_added(AddedWith::Passkey, 1),
        ];
        let mut unit = store.begin().await.unwrap();
        for passkey in &all {
            add(&mut unit, passkey).await;
        }
        assert_eq!(unit.suspend_passkeys(owner.id, NOW.minus(HOUR * 72), NOW).await.unwrap(), 2);
        assert_eq!(unit.suspend_passkeys(owner.id, NOW.minus(HOUR * 72), NOW).await.unwrap(), 0, "once");
        let lockdown = Lockdown::begin(NOW, false);
        unit.set_lockdown(owner.id, Some(lockdown)).await.unwrap();
        unit.commit().await.unwrap();
        for (passkey, is_suspended) in all.iter().zip([false, false, true, true]) {
            let (stored, user) = store.passkey(&passkey.credential_id).await.unwrap().unwrap();
            assert_eq!(stored.suspended_at.is_some(), is_suspended, "{passkey:?}");
            assert_eq!(user.lockdown, Some(lockdown));
        }
        let mut unit = store.begin().await.unwrap();
        assert!(unit.remove_passkey(owner.id, &all[0].credential_id).await.unwrap());
        assert!(!unit.remove_passkey(owner.id, &all[0].credential_id).await.unwrap());
        assert!(!unit.remove_passkey(UserId::random(&SystemEntropy), &all[1].credential_id).await.unwrap());
    }
}

#[tokio::test]
async fn a_session_can_only_be_renewed_with_its_current_token() {
    for (_database, store) in each_store().await {
        let owner = create_user(&store, "ada").await;
        let former = session(&owner, &passkey(&owner));
        let renewed = latchkey::server::model::Session { token_hash: TokenHash([7; 32]), kept: true, ..former.clone() };
        let mut unit = store.begin().await.unwrap();
        unit.add_session(&former).await.unwrap();
        assert!(unit.has_session(&former).await.unwrap() && !unit.has_session(&renewed).await.unwrap());
        assert!(unit.renew_session(&former.token_hash, &renewed).await.unwrap());
        assert!(!unit.renew_session(&former.token_hash, &renewed).await.unwrap(), "the former token is invalid");
        assert!(!unit.has_session(&former).await.unwrap() && unit.has_session(&renewed).await.unwrap());
        assert_eq!(unit.end_all_sessions(owner.id, NOW).await.unwrap(), 1);
        unit.commit().await.unwrap();
        assert_eq!(store.sessions(owner.id).await.unwrap(), []);
    }
}

#[tokio::test]
async fn usernames_are_held_for_their_former_owner_until_the_hold_ends() {
    for (_database, store) in each_store().await {
        let (ada, eve) = (create_user(&store, "ada").await, create_user(&store, "eve").await);
        let name: KeyedHash = [3; 32];
        let mut unit = store.begin().await.unwrap();
        unit.hold_username(&name, ada.id, NOW.plus(HOUR)).await.unwrap();
        for (who, now, is_held) in [
            (Some(ada.id), NOW, false),
            (Some(eve.id), NOW, true),
            (None, NOW, true),
            (Some(eve.id), NOW.plus(HOUR), false),
        ] {
            assert_eq!(unit.is_username_held(&[[4; 32], name], who, now).await.unwrap(), is_held);
        }
        let taken = User { username: Username::parse("EVE").unwrap(), ..ada.clone() };
        assert_eq!(unit.rename_user(&taken).await.unwrap(), Insertion::Conflict);
        drop(unit);
        let mut unit = store.begin().await.unwrap();
        let renamed =
            User { username: Username::parse("lovelace").unwrap(), username_changed_at: Some(NOW), ..ada.clone() };
        assert_eq!(unit.rename_user(&renamed).await.unwrap(), Insertion::Done);
        unit.commit().await.unwrap();
        assert_eq!(store.user(ada.id).await.unwrap(), Some(renamed));
        assert!(!store.username_is_taken(&ada.username).await.unwrap());
    }
}

#[tokio::test]
async fn new_recovery_codes_replace_old_ones_and_each_works_once_for_its_owner() {
    for (_database, store) in each_store().await {
        let (ada, eve) = (create_user(&store, "ada").await, create_user(&store, "eve").await);
        let codes: Vec<_> = (0..3).map(|_| RecoveryCode::random(&SystemEntropy).hash()).collect();
        let identifier = |name| Identifier::parse(name).unwrap();
        let mut unit = store.begin().await.unwrap();
        unit.replace_recovery_codes(ada.id, &codes[..1], NOW.minus(HOUR)).await.unwrap();
        unit.replace_recovery_codes(ada.id, &codes[1..], NOW).await.unwrap();
        assert_eq!(unit.owner_of_recovery_code(&codes[0], &identifier("ada")).await.unwrap(), None, "replaced");
        assert_eq!(unit.owner_of_recovery_code(&codes[1], &identifier("eve")).await.unwrap(), None, "of another user");
        assert_eq!(unit.owner_of_recovery_code(&codes[1], &identifier("ADA")).await.unwrap(), Some(ada.id));
        assert_eq!(unit.count_recovery_codes_before(ada.id, NOW).await.unwrap(), 0);
        assert_eq!(unit.count_recovery_codes_before(ada.id, NOW.plus(HOUR)).await.unwrap(), 2);
        assert_eq!(unit.use_recovery_code(&codes[1]).await.unwrap(), Some(NOW));
        assert_eq!(unit.use_recovery_code(&codes[1]).await.unwrap(), None, "once");
        assert_eq!(unit.remove_recovery_codes(ada.id, NOW.plus(HOUR)).await.unwrap(), 0);
        assert_eq!(unit.remove_recovery_codes(eve.id, NOW).await.unwrap(), 0);
        assert_eq!(unit.remove_recovery_codes(ada.id, NOW).await.unwrap(), 1);
        unit.commit().await.unwrap();
        assert_eq!(store.count_recovery_codes(ada.id).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn security_notifications_are_reported_and_undone_once_and_later_undo_links_can_be_voided() {
    for (_database, store) in each_store().await {
        let owner = create_user(&store, "ada").await;
        let emails = [
            email_about(&owner, "first@example.org", 3, true),
            email_about(&owner, "second@example.org", 2, true),
            email_about(&owner, "first@example.org", 1, false),
        ];
        let mut unit = store.begin().await.unwrap();
        for email in &emails {
            unit.add_notification(email, &OutgoingEmail::for_notification(email, &SystemEntropy)).await.unwrap();
        }
        for (hours, count) in [(1, 0), (2, 1), (3, 2), (4, 3)] {
            let since = NOW.minus(HOUR * hours);
            let mut total = 0;
            for address in ["First@example.org", "second@example.org", "third@example.org"] {
                let address = EmailAddress::parse(address).unwrap();
                let counts = unit.count_notifications(owner.id, &address, since).await.unwrap();
                total += counts.about(emails[0].occasion);
                assert_eq!(counts.about(Occasion::Exported), 0);
            }
            assert_eq!(total, count, "within {hours} hours");
        }
        let first = EmailAddress::parse("first@example.org").unwrap();
        let counts = unit.count_notifications(owner.id, &first, NOW.minus(HOUR * 4)).await.unwrap();
        assert_eq!(counts.without_undo(), 1);
        unit.commit().await.unwrap();
        let open = || async {
            let open = store.notifications(owner.id, NOW).await.unwrap();
            open.iter().map(|email| email.id).collect::<Vec<_>>()
        };
        assert_eq!(open().await, [emails[2].id, emails[1].id, emails[0].id], "newest first");
        let mut unit = store.begin().await.unwrap();
        assert!(unit.undo_notification(emails[0].id, NOW).await.unwrap());
        assert!(!unit.undo_notification(emails[0].id, NOW).await.unwrap(), "once");
        assert!(!unit.undo_notification(emails[2].id, NOW).await.unwrap(), "there is nothing to undo");
        unit.void_later_undo_links(owner.id, emails[0].happened_at, NOW).await.unwrap();
        assert!(!unit.undo_notification(emails[1].id, NOW).await.unwrap(), "voided");
        assert!(unit.report_notification(emails[1].id, NOW).await.unwrap(), "it can still be reported");
        assert!(unit.report_notification(emails[2].id, NOW).await.unwrap());
        assert!(!unit.report_notification(emails[2].id, NOW).await.unwrap(), "once");
        unit.commit().await.unwrap();
        assert_eq!(open().await, [emails[0].id], "the others were reported");
        assert_eq!(store.notifications(owner.id, NOW.plus(HOUR * 69)).await.unwrap(), [], "too old");
        assert_eq!(store.levels(NOW).await.unwrap().queued_emails, 3);
        assert_eq!(store.levels(NOW).await.unwrap().oldest_overdue, HOUR * 3);
    }
}

#[tokio::test]
async fn activity_is_read_page_by_page_and_removed_after_its_retention_period() {
    for (_database, store) in each_store().await {
        let owner = create_user(&store, "ada").await;
        let client = Client { browser: Some("Chrome".to_owned()), system: None };
        let event = |days: u32| {
            let at = NOW.minus(Duration::from_hours(24) * days);
            Event::new(owner.id, EventKind::SignedIn, &client, Issuer { now: at, entropy: &SystemEntropy })
                .about(Some("passkey".to_owned()))
        };
        let events: Vec<_> = [0, 0, 1, 179, 180, 181].map(event).into();
        let mut unit = store.begin().await.unwrap();
        for event in &events {
            unit.record(event).await.unwrap();
            unit.record(event).await.unwrap();
        }
        unit.record(&Event { user_id: UserId::random(&SystemEntropy), ..event(0) }).await.unwrap();
        unit.commit().await.unwrap();
        let mut seen = Vec::new();
        let mut before = None;
        while let Some(page) = store.events(owner.id, before, 2).await.unwrap().filter(|page| !page.is_empty()) {
            before = page.last().map(|event| event.id);
            seen.extend(page);
        }
        assert_eq!(seen.len(), events.len(), "each event once, and none of an unknown account");
        assert!(seen.is_sorted_by(|one, next| one.at >= next.at));
        assert_eq!(store.events(UserId::random(&SystemEntropy), before, 2).await.unwrap(), None, "another's event");

        let oldest = NOW.minus(event::RETENTION);
        assert_eq!(store.remove_old_events(oldest, 500).await.unwrap(), 1);
        assert_eq!(store.events(owner.id, None, 50).await.unwrap().unwrap().len(), 5);
    }
}

#[tokio::test]
async fn a_deleted_account_disappears_immediately_and_its_rows_are_removed_in_batches() {
    for (_database, store) in each_store().await {
        let owner = create_user(&store, "ada").await;
        let own = passkey(&owner);
        let mut unit = store.begin().await.unwrap();
        add(&mut unit, &own).await;
        unit.add_session(&session(&owner, &own)).await.unwrap();
        unit.replace_recovery_codes(owner.id, &[RecoveryCode::random(&SystemEntropy).hash()], NOW).await.unwrap();
        let email = email_about(&owner, "first@example.org", 0, true);
        unit.add_notification(&email, &OutgoingEmail::for_notification(&email, &SystemEntropy)).await.unwrap();
        unit.commit().await.unwrap();
        let mut unit = store.begin().await.unwrap();
        for number in 0..120 {
            let at = NOW.plus(Duration::from_millis(number));
            let client = Client { browser: None, system: None };
            unit.record(&Event::new(
                owner.id,
                EventKind::NameChanged,
                &client,
                Issuer { now: at, entropy: &SystemEntropy },
            ))
            .await
            .unwrap();
        }
        let known = KnownBrowser {
            token_hash: TokenHash([7; 32]),
            user_id: owner.id,
            expires_at: NOW.plus(HOUR),
            declined_until: None,
            recognised: true,
        };
        unit.remember_browser(&known).await.unwrap();
        let own_session = session(&owner, &own);
        unit.add_session(&own_session).await.unwrap();
        assert!(unit.delete_user(owner.id, NOW).await.unwrap() && !unit.delete_user(owner.id, NOW).await.unwrap());
        unit.commit().await.unwrap();
        assert_eq!(store.passkey(&own.credential_id).await.unwrap(), None);
        assert_eq!(store.session(&own_session.token_hash).await.unwrap(), None);
        assert_eq!(store.known_browser(&known.token_hash).await.unwrap(), None);
        assert_eq!(store.user(owner.id).await.unwrap(), None);
        assert_eq!(store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap(), None);
        assert_eq!(store.accounts(None, 10).await.unwrap(), []);
        assert_eq!(store.count_without_sign_in_method("localhost", true).await.unwrap(), 0);
        assert_eq!(store.begin().await.unwrap().lock_user(owner.id).await.unwrap(), None);
        assert!(!store.username_is_taken(&owner.username).await.unwrap());
        create_user(&store, "ada").await;
        assert_eq!(store.deleted_accounts(10).await.unwrap(), [owner.id]);
        let mut batches = 0;
        while store.remove_rows_of_deleted(owner.id, 50).await.unwrap() {
            batches += 1;
        }
        assert_eq!(batches, 3, "120 events, 50 at a time");
        assert_eq!(store.deleted_accounts(10).await.unwrap(), []);
        assert_eq!(store.events(owner.id, None, 50).await.unwrap().unwrap(), []);
        assert_eq!(store.sessions(owner.id).await.unwrap(), []);
        assert_eq!(store.count_recovery_codes(owner.id).await.unwrap(), 0);
        assert_eq!(store.notifications(owner.id, NOW).await.unwrap(), []);
        assert_eq!(store.levels(NOW).await.unwrap().queued_emails, 0);
    }
}

#[tokio::test]
async fn a_store_reports_its_schema_version_and_a_database_server_its_time() {
    for (_database, store) in each_store().await {
        assert_eq!(store.schema_versions().await.unwrap(), latchkey::server::store::sqlite::migration_versions());
        assert_eq!(store.schema_version().await.unwrap(), store.schema_versions().await.unwrap().last().copied());
        assert_eq!(
            latchkey::server::store::postgres::migration_versions(),
            latchkey::server::store::sqlite::migration_versions()
        );
        if let Some(theirs) = store.database_clock().await.unwrap() {
            use latchkey::server::clock::{Clock, SystemClock};
            assert!(SystemClock.now().since(theirs) < Duration::from_mins(1));
        }
    }
}
