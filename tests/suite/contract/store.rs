use crate::app::{Backends, TestDatabase};
use crate::authenticator::random;
use latchkey::server::clock::Timestamp;
use latchkey::server::model::passkey::PasskeyUse;
use latchkey::server::model::session::Method;
use latchkey::server::model::{AddedWith, Client, CredentialId, Passkey, Session, SessionId, User, UserId};
use latchkey::server::secret::{SystemEntropy, TokenHash};
use latchkey::server::store::{Insertion, Store};
use latchkey::types::{DisplayName, EmailAddress, Language, Username};
use std::sync::Arc;
use std::time::Duration;

pub const NOW: Timestamp = Timestamp::from_unix_millis(1_795_000_000_123);

pub fn user(name: &str) -> User {
    User {
        id: UserId::random(&SystemEntropy),
        username: Username::parse(name).unwrap(),
        display_name: DisplayName::parse("Ada 李 <b>").unwrap(),
        email: Some(EmailAddress::parse("Ada+x@Bücher.example").unwrap()),
        email_verified: false,
        created_at: NOW,
        username_changed_at: None,
        lockdown: None,
        language: Language::German,
        disabled_at: None,
    }
}

fn unknown() -> Client {
    Client { browser: None, system: None }
}

pub fn passkey(owner: &User) -> Passkey {
    Passkey {
        credential_id: CredentialId::new(random::<32>().to_vec()).unwrap(),
        user_id: owner.id,
        rp_id: "localhost".to_owned(),
        name: "My phone".to_owned(),
        record: r#"{"some":"json"}"#.to_owned(),
        record_version: 1,
        aaguid: uuid::Uuid::from_bytes(random()),
        transports: "internal,hybrid".to_owned(),
        backup_eligible: true,
        backed_up: false,
        sign_count: u32::MAX - 1,
        created_at: NOW,
        last_used_at: None,
        last_used_on: unknown(),
        added_with: AddedWith::SignUp,
        suspended_at: None,
    }
}

pub fn session(owner: &User, passkey: &Passkey) -> Session {
    Session {
        id: SessionId::new(NOW, &SystemEntropy),
        user_id: owner.id,
        token_hash: TokenHash(random()),
        method: Method::Passkey(passkey.credential_id.clone()),
        user_verified: true,
        authenticated_at: NOW,
        created_at: NOW,
        last_seen_at: NOW,
        ends_at: NOW.plus(Duration::from_hours(24)),
        idle: Duration::from_hours(1),
        client: Client { browser: Some("Firefox".to_owned()), system: None },
        offers_passkey: true,
        added_passkey: false,
        kept: true,
    }
}

pub fn used(sign_count: u32) -> PasskeyUse {
    PasskeyUse {
        record: r#"{"used":true}"#.to_owned(),
        backup_eligible: true,
        backed_up: true,
        sign_count,
        at: NOW.plus(Duration::from_secs(5)),
        on: Client { browser: None, system: Some("Linux".to_owned()) },
    }
}

/// Creates a new store on each database. A store works only as long as its [`TestDatabase`] lives.
pub async fn each_store() -> Vec<(TestDatabase, Arc<dyn Store>)> {
    let mut stores = Vec::new();
    for backends in Backends::ALL {
        let database = TestDatabase::create(backends).await;
        let store = database.open().await;
        stores.push((database, store));
    }
    stores
}

/// Runs a test on both databases.
pub async fn on_both(property: impl AsyncFn(Arc<dyn Store>)) {
    for backends in Backends::ALL {
        let database = TestDatabase::create(backends).await;
        let store = database.open().await;
        property(store).await;
    }
}

pub async fn add_account(store: &dyn Store, name: &str) -> (User, Passkey, Session) {
    let user = user(name);
    let passkey = passkey(&user);
    let session = session(&user, &passkey);
    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.add_user(&user).await.unwrap(), Insertion::Done);
    assert_eq!(unit.add_passkey(&passkey).await.unwrap(), Insertion::Done);
    unit.add_session(&session).await.unwrap();
    unit.commit().await.unwrap();
    (user, passkey, session)
}

#[tokio::test]
async fn committed_data_is_read_back_unchanged() {
    on_both(async |store| {
        let (user, passkey, session) = add_account(&*store, "ada").await;
        assert_eq!(store.passkey(&passkey.credential_id).await.unwrap(), Some((passkey.clone(), user.clone())));
        assert_eq!(store.session(&session.token_hash).await.unwrap(), Some((session, user.clone())));
        assert_eq!(store.passkeys(user.id).await.unwrap(), [passkey]);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_unit_of_work_writes_nothing() {
    on_both(async |store| {
        let user = user("ada");
        let mut unit = store.begin().await.unwrap();
        assert_eq!(unit.add_user(&user).await.unwrap(), Insertion::Done);
        drop(unit);
        assert!(!store.username_is_taken(&user.username).await.unwrap());
        add_account(&*store, "ada").await;
    })
    .await;
}

#[tokio::test]
async fn usernames_are_unique_regardless_of_case() {
    on_both(async |store| {
        add_account(&*store, "Ada").await;
        assert!(store.username_is_taken(&Username::parse("aDA").unwrap()).await.unwrap());
        let mut unit = store.begin().await.unwrap();
        assert_eq!(unit.add_user(&user("ADA")).await.unwrap(), Insertion::Conflict);
    })
    .await;
}

#[tokio::test]
async fn unconfirmed_addresses_are_not_unique() {
    on_both(async |store| {
        add_account(&*store, "ada").await;
        add_account(&*store, "eve").await;
    })
    .await;
}

#[tokio::test]
async fn a_credential_id_belongs_to_one_user() {
    on_both(async |store| {
        let (_, taken, _) = add_account(&*store, "ada").await;
        let eve = user("eve");
        let stolen = Passkey { credential_id: taken.credential_id, ..passkey(&eve) };
        let mut unit = store.begin().await.unwrap();
        assert_eq!(unit.add_user(&eve).await.unwrap(), Insertion::Done);
        assert_eq!(unit.add_passkey(&stolen).await.unwrap(), Insertion::Conflict);
        drop(unit);
        assert!(!store.username_is_taken(&eve.username).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_use_is_recorded_only_if_the_counter_increases() {
    on_both(async |store| {
        let (_, passkey, _) = add_account(&*store, "ada").await;
        for (count, may) in [(u32::MAX - 1, false), (0, false), (u32::MAX, true), (u32::MAX, false)] {
            let mut unit = store.begin().await.unwrap();
            assert_eq!(unit.record_passkey_use(&passkey, &used(count)).await.unwrap(), may, "{count}");
            unit.commit().await.unwrap();
        }
        let (stored, _) = store.passkey(&passkey.credential_id).await.unwrap().unwrap();
        assert_eq!((stored.sign_count, stored.backed_up), (u32::MAX, true));
        assert_eq!((stored.record.as_str(), stored.last_used_at), (r#"{"used":true}"#, Some(used(0).at)));
    })
    .await;
}

#[tokio::test]
async fn no_use_is_recorded_if_the_passkey_has_another_owner() {
    on_both(async |store| {
        let (_, passkey, _) = add_account(&*store, "ada").await;
        let of_another_user = Passkey { user_id: UserId::random(&SystemEntropy), ..passkey };
        let mut unit = store.begin().await.unwrap();
        assert!(!unit.record_passkey_use(&of_another_user, &used(u32::MAX)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_session_is_marked_as_seen_removed_and_cleaned_up() {
    on_both(async |store| {
        let (_, _, session) = add_account(&*store, "ada").await;
        let later = NOW.plus(Duration::from_mins(10));
        store.mark_session_seen(session.id, later).await.unwrap();
        store.mark_session_seen(session.id, NOW).await.unwrap();
        let (seen, _) = store.session(&session.token_hash).await.unwrap().unwrap();
        assert_eq!(seen.last_seen_at, later, "time does not run backwards");

        assert_eq!(store.remove_expired_sessions(NOW, 10).await.unwrap(), 0);
        assert_eq!(store.remove_expired_sessions(session.ends_at, 10).await.unwrap(), 1);
        assert_eq!(store.session(&session.token_hash).await.unwrap(), None);

        let (_, _, session) = add_account(&*store, "eve").await;
        let mut unit = store.begin().await.unwrap();
        unit.end_session_by_token(&session.token_hash, NOW).await.unwrap();
        unit.end_session_by_token(&TokenHash([9; 32]), NOW).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(store.session(&session.token_hash).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_sign_ups_with_one_username_succeeds() {
    on_both(async |store| {
        for round in 0..5 {
            let name = format!("ada{round}");
            let rivals = (0..12).map(|_| {
                let (store, user) = (Arc::clone(&store), user(&name));
                tokio::spawn(async move {
                    let mut unit = store.begin().await.unwrap();
                    let won = unit.add_user(&user).await.unwrap() == Insertion::Done;
                    if won {
                        unit.commit().await.unwrap();
                    }
                    won
                })
            });
            let mut winners = 0;
            for rival in rivals.collect::<Vec<_>>() {
                winners += usize::from(rival.await.unwrap());
            }
            assert_eq!(winners, 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_uses_of_one_counter_succeeds() {
    on_both(async |store| {
        let (_, passkey, _) = add_account(&*store, "ada").await;
        let rivals = (0..12).map(|_| {
            let (store, passkey) = (Arc::clone(&store), passkey.clone());
            tokio::spawn(async move {
                let mut unit = store.begin().await.unwrap();
                let won = unit.record_passkey_use(&passkey, &used(u32::MAX)).await.unwrap();
                unit.commit().await.unwrap();
                won
            })
        });
        let mut winners = 0;
        for rival in rivals.collect::<Vec<_>>() {
            winners += usize::from(rival.await.unwrap());
        }
        assert_eq!(winners, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_processes_can_start_at_once_on_a_new_database() {
    for backends in Backends::ALL {
        let database = Arc::new(TestDatabase::create(backends).await);
        let starts = (0..6).map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move { database.open().await.ping().await.unwrap() })
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap();
        }
    }
}

#[tokio::test]
async fn accounts_without_a_sign_in_method_are_counted() {
    on_both(async |store| {
        assert_eq!(store.count_without_sign_in_method("localhost", true).await.unwrap(), 0);
        let (ada, _, _) = add_account(&*store, "ada").await;
        assert_eq!(store.count_without_sign_in_method("localhost", false).await.unwrap(), 0, "the passkey counts");
        assert_eq!(
            store.count_without_sign_in_method("elsewhere.example", true).await.unwrap(),
            1,
            "not on another site"
        );
        let mut unit = store.begin().await.unwrap();
        assert!(unit.set_verified_address(ada.id, ada.email.as_ref().unwrap()).await.unwrap());
        unit.commit().await.unwrap();
        assert_eq!(
            store.count_without_sign_in_method("elsewhere.example", true).await.unwrap(),
            0,
            "a confirmed address counts"
        );
        assert_eq!(
            store.count_without_sign_in_method("elsewhere.example", false).await.unwrap(),
            1,
            "unless email sign-in is off"
        );
    })
    .await;
}

#[tokio::test]
async fn expired_requests_are_removed_with_their_emails() {
    use latchkey::server::model::Issuer;
    use latchkey::server::model::email_queue::OutgoingEmail;
    use latchkey::server::model::email_request::{EmailRequest, Purpose, RequestedBy};
    use latchkey::server::model::queue::Claim;
    use latchkey::types::{Identifier, Next};
    on_both(async |store| {
        let client = Client { browser: None, system: None };
        let purpose = Purpose::SignIn { identifier: Identifier::parse("ada").unwrap(), known: None };
        let browser = TokenHash(random());
        let by = RequestedBy { browser, client, language: Language::German };
        let issuer = Issuer { now: NOW, entropy: &SystemEntropy };
        let request = EmailRequest::new(purpose, by, Next::or_account(None), issuer);
        let mut unit = store.begin().await.unwrap();
        unit.add_request_with_email(&request, &OutgoingEmail::for_request(&request, &SystemEntropy)).await.unwrap();
        unit.commit().await.unwrap();
        let read = store.request_of_browser(&browser).await.unwrap().unwrap();
        assert_eq!((read.request, read.recipient, read.tries_left), (request.clone(), None, 5));
        assert_eq!(store.remove_expired_requests(NOW, 10).await.unwrap(), 0);
        assert_eq!(store.remove_expired_requests(request.expires_at, 10).await.unwrap(), 1);
        assert_eq!(store.request_of_browser(&browser).await.unwrap(), None);
        let claim = Claim::random(&SystemEntropy);
        assert_eq!(store.claim_email(NOW, claim, Duration::from_secs(15)).await.unwrap(), None);
    })
    .await;
}
