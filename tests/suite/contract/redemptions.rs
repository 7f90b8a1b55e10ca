//! Tests of redeeming authorization codes in one step.

use super::applications::{application, group, name, put};
use super::store::{NOW, add_account, on_both};
use crate::app::{Backends, TestDatabase};
use latchkey::server::jose::Algorithm;
use latchkey::server::keys::KeyedHash;
use latchkey::server::model::application::{Audience, RequiredMethod};
use latchkey::server::model::assurance::Authentication;
use latchkey::server::model::oauth::grant::MAX_GRANTS;
use latchkey::server::model::oauth::{Client, ConsentRule, Grant, GrantId, IssuedToken, RefreshToken, Scopes};
use latchkey::server::model::{Application, GroupName, Passkey, Session, SessionId, User};
use latchkey::server::secret::{SystemEntropy, TokenHash};
use latchkey::server::store::{Insertion, RedemptionRecord, Store, Unit, UserFacts};
use latchkey::types::Username;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::timeout;

/// A user who is in the group `family`, and the application `photos`, which is open to it.
pub struct Fixture<'a> {
    store: &'a dyn Store,
    user: User,
    passkey: Passkey,
    session: Session,
    application: Application,
}

/// The state in which the policy check allowed a redemption.
struct CheckedState {
    session: SessionId,
    user: User,
    application: Application,
    group: GroupName,
    username_hash: Option<KeyedHash>,
}

fn hash() -> TokenHash {
    TokenHash(crate::authenticator::random())
}

fn token() -> IssuedToken {
    let expires_at = NOW.plus(Duration::from_mins(1));
    IssuedToken { hash: hash(), scopes: Scopes::parse("openid"), created_at: NOW, expires_at }
}

impl<'a> Fixture<'a> {
    pub async fn new(store: &'a dyn Store, user: &str) -> Self {
        let (user, passkey, session) = add_account(store, user).await;
        let application = application("photos", "family");
        put(store, &[group("family", false)], std::slice::from_ref(&application)).await;
        let fixture = Self { store, user, passkey, session, application };
        fixture
            .change(async |unit| {
                unit.join_group(fixture.user.id, &name("family"), NOW).await.unwrap();
                assert_eq!(unit.put_client(&fixture.client()).await.unwrap(), Insertion::Done);
            })
            .await;
        fixture
    }

    fn client(&self) -> Client {
        Client {
            application: self.application.id.clone(),
            client_id: "photos".to_owned(),
            is_public: false,
            requires_pkce: true,
            algorithm: Algorithm::Es256,
            claims_in_id_token: false,
            consent: ConsentRule::Never,
            refreshes: true,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            claim_rules: Vec::new(),
        }
    }

    async fn change(&self, change: impl AsyncFnOnce(&mut dyn Unit)) {
        let mut unit = self.store.begin().await.unwrap();
        change(&mut *unit).await;
        unit.commit().await.unwrap();
    }

    fn grant(&self) -> Grant {
        Grant {
            id: GrantId::random(&SystemEntropy),
            user_id: self.user.id,
            application: self.application.id.clone(),
            session: Some(self.session.id),
            code_hash: hash(),
            sid: "sid".to_owned(),
            scopes: Scopes::parse("openid profile"),
            claims: Some("{}".to_owned()),
            authentication: Authentication::from_session(&self.session),
            created_at: NOW,
            ends_at: NOW.plus(Duration::from_hours(1)),
        }
    }

    /// The state as it is stored.
    fn state(&self) -> CheckedState {
        let (user, application) = (self.user.clone(), self.application.clone());
        CheckedState {
            session: self.session.id,
            user,
            application,
            group: name("family"),
            username_hash: Some([7; 32]),
        }
    }

    async fn redeem(&self, grant: &Grant, state: CheckedState) -> (bool, IssuedToken) {
        let token = token();
        let refresh_token = RefreshToken { hash: hash(), created_at: NOW, used_at: None };
        let record = RedemptionRecord {
            grant,
            session: state.session,
            token: &token,
            refresh_token: Some(&refresh_token),
            user: &state.user,
            application: &state.application,
            member_of: Some(&state.group),
            username_hash: state.username_hash,
        };
        let is_recorded = self.store.record_redemption(record).await.unwrap();
        assert_eq!(self.store.access_token(&token.hash, NOW).await.unwrap().is_some(), is_recorded);
        assert_eq!(self.store.refresh_token(&refresh_token.hash, NOW).await.unwrap().is_some(), is_recorded);
        (is_recorded, token)
    }

    /// Redeems a new code.
    pub async fn try_redeem(&self) -> bool {
        self.redeem(&self.grant(), self.state()).await.0
    }
}

#[tokio::test]
async fn a_redemption_writes_everything_and_a_code_works_once() {
    on_both(async |store| {
        let fixture = Fixture::new(&*store, "ada").await;
        let grant = fixture.grant();
        let (is_recorded, token) = fixture.redeem(&grant, fixture.state()).await;
        assert!(is_recorded);
        let found = store.access_token(&token.hash, NOW).await.unwrap().unwrap();
        assert_eq!(
            (&found.active_grant.grant, &found.active_grant.user, &found.token),
            (&grant, &fixture.user, &token)
        );
        assert_eq!((&found.application, &found.client), (&fixture.application, &fixture.client()));
        let facts = UserFacts { passkeys: vec![fixture.passkey.clone()], groups: BTreeSet::from([name("family")]) };
        assert_eq!(found.facts, facts);
        assert_eq!(store.visits_of(fixture.user.id).await.unwrap(), [(fixture.session.id, "photos".to_owned())]);
        assert!(store.username_is_held(&[[7; 32]], NOW).await.unwrap());

        let again = Grant { id: GrantId::random(&SystemEntropy), ..grant.clone() };
        assert!(!fixture.redeem(&again, fixture.state()).await.0, "the code was used");
        assert!(fixture.try_redeem().await, "another code works");
        let offline = Grant { session: None, ..fixture.grant() };
        assert!(
            fixture.redeem(&offline, CheckedState { username_hash: None, ..fixture.state() }).await.0,
            "a grant that outlives its session"
        );
    })
    .await;
}

#[tokio::test]
async fn a_redemption_writes_nothing_if_user_policy_or_group_changed() {
    on_both(async |store| {
        let fixture = Fixture::new(&*store, "ada").await;
        let grant = fixture.grant();
        let gone = SessionId::new(NOW, &SystemEntropy);
        let renamed = User { username: Username::parse("eve").unwrap(), ..fixture.user.clone() };
        let photos = &fixture.application;
        let mut wider = photos.clone();
        wider.policy.who = Audience::Everybody;
        let mut weaker = photos.clone();
        weaker.policy.method = RequiredMethod::Any;
        assert!(!fixture.redeem(&grant, CheckedState { session: gone, ..fixture.state() }).await.0, "no such session");
        assert!(!fixture.redeem(&grant, CheckedState { user: renamed, ..fixture.state() }).await.0, "renamed");
        assert!(
            !fixture.redeem(&grant, CheckedState { application: wider, ..fixture.state() }).await.0,
            "another audience"
        );
        assert!(
            !fixture.redeem(&grant, CheckedState { application: weaker, ..fixture.state() }).await.0,
            "another method"
        );
        assert!(
            !fixture.redeem(&grant, CheckedState { group: name("strangers"), ..fixture.state() }).await.0,
            "another group"
        );

        fixture.change(async |unit| unit.set_disabled(fixture.user.id, Some(NOW)).await.unwrap()).await;
        assert!(!fixture.try_redeem().await, "a disabled account");
        fixture.change(async |unit| unit.set_disabled(fixture.user.id, None).await.unwrap()).await;
        let disabled = Application { disabled_at: Some(NOW), ..photos.clone() };
        put(&*store, &[], &[disabled]).await;
        assert!(!fixture.try_redeem().await, "a disabled application");
        put(&*store, &[group("friends", false)], &[application("photos", "friends")]).await;
        assert!(!fixture.try_redeem().await, "open to another group");
        put(&*store, &[], std::slice::from_ref(photos)).await;
        fixture.change(async |unit| assert!(unit.leave_group(fixture.user.id, &name("family")).await.unwrap())).await;
        assert!(!fixture.try_redeem().await, "the group was left");
        fixture
            .change(async |unit| assert!(unit.join_group(fixture.user.id, &name("family"), NOW).await.unwrap()))
            .await;
        assert!(store.visits_of(fixture.user.id).await.unwrap().is_empty(), "nothing of all this was written");
        assert!(!store.username_is_held(&[[7; 32]], NOW).await.unwrap());
        assert!(fixture.try_redeem().await, "once restored, it succeeds");
    })
    .await;
}

#[tokio::test]
async fn grants_that_are_redeemed_in_one_step_stay_within_their_limit() {
    on_both(async |store| {
        let fixture = Fixture::new(&*store, "ada").await;
        for number in 0..u64::from(MAX_GRANTS) + 5 {
            let ends_at = NOW.plus(Duration::from_secs(3_600 + number));
            assert!(fixture.redeem(&Grant { ends_at, ..fixture.grant() }, fixture.state()).await.0);
        }
        let mut unit = store.begin().await.unwrap();
        assert!(unit.end_grants(fixture.user.id, None).await.unwrap() <= u64::from(MAX_GRANTS));
    })
    .await;
}

/// Locked rows are skipped, because redemptions share their connections with sign-ins.
#[tokio::test]
async fn a_redemption_never_waits_for_rows_that_another_transaction_has_locked() {
    let database = TestDatabase::create(Backends::Servers).await;
    let store = database.open().await;
    let fixture = Fixture::new(&*store, "ada").await;
    let at_once = async || timeout(Duration::from_secs(1), fixture.try_redeem()).await.expect("the redemption waited");
    let mut unit = store.begin().await.unwrap();
    unit.lock_application(&fixture.application.id).await.unwrap();
    assert!(!at_once().await, "a locked application");
    drop(unit);
    let mut unit = store.begin().await.unwrap();
    unit.lock_user(fixture.user.id).await.unwrap();
    assert!(!at_once().await, "a locked account");
    drop(unit);
    let mut unit = store.begin().await.unwrap();
    unit.leave_group(fixture.user.id, &name("family")).await.unwrap();
    assert!(!at_once().await, "a membership that is being removed");
    unit.commit().await.unwrap();
    assert!(!at_once().await, "a membership that was removed");
}
