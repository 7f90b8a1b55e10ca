use super::store::{add_account, on_both, session, used};
use crate::authenticator::random;
use latchkey::server::Unavailable;
use latchkey::server::clock::Timestamp;
use latchkey::server::model::passkey::PasskeyUse;
use latchkey::server::model::{
    AddedWith, Event, EventKind, Issuer, KnownBrowser, Lockdown, Passkey, Session, User, UserId,
};
use latchkey::server::secret::{SystemEntropy, TokenHash};
use latchkey::server::store::{SignInOutcome, SignInRecord, Store};
use std::sync::Arc;
use std::time::Duration;

/// A sign-in that can be recorded.
pub struct PendingSignIn {
    passkey: Passkey,
    used: PasskeyUse,
    session: Session,
    event: Event,
    browser: KnownBrowser,
    /// Whether only a sign-in from a browser that the account knows may be recorded in one step.
    requires_recognised_browser: bool,
}

impl PendingSignIn {
    pub fn new(user: &User, passkey: &Passkey, sign_count: u32) -> Self {
        let (used, session) = (used(sign_count), session(user, passkey));
        let (at, client) = (used.at, used.on.clone());
        Self {
            event: Event::new(user.id, EventKind::SignedIn, &client, Issuer { now: at, entropy: &SystemEntropy })
                .about(Some("passkey".to_owned())),
            browser: new_known_browser(user.id),
            passkey: passkey.clone(),
            used,
            session,
            requires_recognised_browser: false,
        }
    }

    pub async fn record(
        &self,
        store: &dyn Store,
        known: Option<TokenHash>,
        previous: Option<TokenHash>,
    ) -> SignInOutcome {
        self.try_record(store, known, previous).await.unwrap()
    }

    pub async fn try_record(
        &self,
        store: &dyn Store,
        known: Option<TokenHash>,
        previous: Option<TokenHash>,
    ) -> Result<SignInOutcome, Unavailable> {
        let Self { passkey, used, session, event, browser, .. } = self;
        let requires_recognised_browser = self.requires_recognised_browser;
        store
            .record_sign_in(SignInRecord {
                passkey,
                used,
                session,
                event,
                known,
                browser,
                requires_recognised_browser,
                previous,
            })
            .await
    }

    pub async fn assert_not_recorded(&self, store: &dyn Store) {
        assert_eq!(store.session(&self.session.token_hash).await.unwrap(), None);
        assert_eq!(store.known_browser(&self.browser.token_hash).await.unwrap(), None);
        let events = store.events(self.event.user_id, None, 10).await.unwrap().unwrap();
        assert!(events.iter().all(|event| event.id != self.event.id));
    }
}

fn new_known_browser(user_id: UserId) -> KnownBrowser {
    let expires_at = super::store::NOW.plus(Duration::from_hours(1));
    KnownBrowser { token_hash: TokenHash(random()), user_id, expires_at, declined_until: None, recognised: true }
}

async fn remember(store: &dyn Store, browser: &KnownBrowser) {
    let mut unit = store.begin().await.unwrap();
    unit.remember_browser(browser).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn a_valid_sign_in_is_recorded_completely() {
    on_both(async |store| {
        let (user, passkey, previous) = add_account(&*store, "ada").await;
        let sign_in = PendingSignIn::new(&user, &passkey, u32::MAX);
        let outcome = sign_in.record(&*store, None, Some(previous.token_hash)).await;
        let SignInOutcome::Recorded(now) = outcome else { panic!("{outcome:?}") };
        assert_eq!(now, user);
        let (new_session, _) = store.session(&sign_in.session.token_hash).await.unwrap().unwrap();
        let at = sign_in.used.at;
        let client = sign_in.used.on.clone();
        let times =
            Session { authenticated_at: at, created_at: at, last_seen_at: at, client, ..sign_in.session.clone() };
        assert_eq!(new_session, Session { added_passkey: false, ..times });
        assert_eq!(store.session(&previous.token_hash).await.unwrap(), None, "the previous session has ended");
        let (stored, _) = store.passkey(&passkey.credential_id).await.unwrap().unwrap();
        assert_eq!((stored.sign_count, stored.backed_up, stored.last_used_at), (u32::MAX, true, Some(at)));
        assert_eq!((stored.record, stored.last_used_on), (sign_in.used.record.clone(), sign_in.used.on.clone()));
        assert_eq!(store.events(user.id, None, 10).await.unwrap().unwrap(), std::slice::from_ref(&sign_in.event));
        let (browser, owner) = store.known_browser(&sign_in.browser.token_hash).await.unwrap().unwrap();
        assert_eq!((browser, owner), (sign_in.browser.clone(), user));
    })
    .await;
}

#[tokio::test]
async fn a_browser_gets_a_new_token_and_keeps_its_data_only_if_this_user_knew_it() {
    on_both(async |store| {
        let (ada, passkey, _) = add_account(&*store, "ada").await;
        let (eve, _, _) = add_account(&*store, "eve").await;
        let (hers, others, made_up) = (new_known_browser(ada.id), new_known_browser(eve.id), TokenHash(random()));
        remember(&*store, &hers).await;
        remember(&*store, &others).await;
        let mut unit = store.begin().await.unwrap();
        unit.decline_offer(&hers.token_hash, ada.id, hers.expires_at).await.unwrap();
        unit.decline_offer(&others.token_hash, eve.id, others.expires_at).await.unwrap();
        unit.commit().await.unwrap();
        for (number, (token, keeps)) in
            [(hers.token_hash, true), (others.token_hash, false), (made_up, false)].into_iter().enumerate()
        {
            let sign_in = PendingSignIn::new(&ada, &passkey, u32::MAX);
            reset_passkey(&*store, &passkey).await;
            let outcome = sign_in.record(&*store, Some(token), None).await;
            assert!(matches!(outcome, SignInOutcome::Recorded(_)), "{number}: {outcome:?}");
            let (browser, owner) = store.known_browser(&sign_in.browser.token_hash).await.unwrap().unwrap();
            assert_eq!((owner.id, browser.expires_at), (ada.id, sign_in.browser.expires_at));
            assert_eq!(browser.declined_until.is_some(), keeps, "{number}: the declined offer stays declined");
            assert_eq!(store.known_browser(&token).await.unwrap(), None, "{number}: the former token is void");
        }
    })
    .await;
}

/// Resets a passkey to its initial state.
async fn reset_passkey(store: &dyn Store, passkey: &Passkey) {
    let mut unit = store.begin().await.unwrap();
    unit.remove_passkey(passkey.user_id, &passkey.credential_id).await.unwrap();
    let _ = unit.add_passkey(passkey).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn a_refused_sign_in_writes_nothing() {
    on_both(async |store| {
        let (user, passkey, previous) = add_account(&*store, "ada").await;
        let stale = PendingSignIn::new(&user, &passkey, u32::MAX - 1);
        let foreign = Passkey { user_id: UserId::random(&SystemEntropy), ..passkey.clone() };
        let unknown = PendingSignIn { passkey: foreign, ..PendingSignIn::new(&user, &passkey, u32::MAX) };
        let known = new_known_browser(user.id);
        remember(&*store, &known).await;

        let refused = stale.record(&*store, Some(known.token_hash), Some(previous.token_hash)).await;
        assert!(matches!(refused, SignInOutcome::Refused(owner) if owner == user));
        stale.assert_not_recorded(&*store).await;
        assert!(matches!(unknown.record(&*store, None, None).await, SignInOutcome::AccountDeleted));
        unknown.assert_not_recorded(&*store).await;

        let mut unit = store.begin().await.unwrap();
        unit.set_lockdown(user.id, Some(Lockdown::begin(user.created_at, true))).await.unwrap();
        unit.commit().await.unwrap();
        let locked_down = PendingSignIn::new(&user, &passkey, u32::MAX);
        assert!(matches!(locked_down.record(&*store, None, None).await, SignInOutcome::NeedsUnitOfWork));
        locked_down.assert_not_recorded(&*store).await;

        assert!(store.session(&previous.token_hash).await.unwrap().is_some(), "the previous session stays valid");
        let (kept, _) = store.known_browser(&known.token_hash).await.unwrap().unwrap();
        assert_eq!(kept, known);
        let (stored, _) = store.passkey(&passkey.credential_id).await.unwrap().unwrap();
        assert_eq!(stored, passkey);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_from_an_unknown_browser_is_not_recorded_in_one_step_if_it_sends_a_notification() {
    on_both(async |store| {
        let (user, passkey, _) = add_account(&*store, "ada").await;
        let known = new_known_browser(user.id);
        remember(&*store, &known).await;
        let sign_in =
            || PendingSignIn { requires_recognised_browser: true, ..PendingSignIn::new(&user, &passkey, u32::MAX) };
        for token in [None, Some(TokenHash(random()))] {
            let sign_in = sign_in();
            assert!(matches!(sign_in.record(&*store, token, None).await, SignInOutcome::NeedsUnitOfWork));
            sign_in.assert_not_recorded(&*store).await;
        }
        let mut unit = store.begin().await.unwrap();
        unit.void_recognition(user.id).await.unwrap();
        unit.commit().await.unwrap();
        assert!(matches!(
            sign_in().record(&*store, Some(known.token_hash), None).await,
            SignInOutcome::NeedsUnitOfWork
        ));
        let mut unit = store.begin().await.unwrap();
        unit.renew_browser(&known.token_hash, &known).await.unwrap();
        unit.commit().await.unwrap();
        assert!(matches!(sign_in().record(&*store, Some(known.token_hash), None).await, SignInOutcome::Recorded(_)));
    })
    .await;
}

/// The limits also hold for concurrent sign-ins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_keeps_a_hundred_sessions_and_fifty_browsers_and_the_oldest_end() {
    on_both(async |store| {
        let (user, passkey, first) = add_account(&*store, "ada").await;
        // A counter that stays at zero, like that of a synced passkey.
        let passkey = Passkey { sign_count: 0, ..passkey };
        reset_passkey(&*store, &passkey).await;
        let sign_in = || PendingSignIn::new(&user, &passkey, 0);
        for _ in 0..95 {
            assert!(matches!(sign_in().record(&*store, None, None).await, SignInOutcome::Recorded(_)));
        }
        assert!(store.session(&first.token_hash).await.unwrap().is_some());
        let together = (0..20).map(|_| {
            let (store, sign_in) = (Arc::clone(&store), sign_in());
            tokio::spawn(async move { (sign_in.record(&*store, None, None).await, sign_in.session.token_hash) })
        });
        let mut newest = Vec::new();
        for one in together.collect::<Vec<_>>() {
            let (outcome, token) = one.await.unwrap();
            assert!(matches!(outcome, SignInOutcome::Recorded(_)), "{outcome:?}");
            newest.push(token);
        }
        let rows = store.count_rows().await.unwrap();
        let events = 95 + 20;
        assert_eq!(rows, 2 + 100 + 50 + events, "account, passkey, sessions, browsers, events");
        assert_eq!(store.sessions(user.id).await.unwrap().len(), 100);
        assert_eq!(store.known_browsers(user.id).await.unwrap().len(), 50);
        assert_eq!(store.session(&first.token_hash).await.unwrap(), None, "the oldest session has ended");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_sign_ins_with_one_counter_succeeds() {
    on_both(async |store| {
        let (user, passkey, _) = add_account(&*store, "ada").await;
        let rivals = (0..20).map(|_| {
            let (store, sign_in) = (Arc::clone(&store), PendingSignIn::new(&user, &passkey, u32::MAX));
            tokio::spawn(async move { sign_in.record(&*store, None, None).await })
        });
        let mut winners = 0;
        for rival in rivals.collect::<Vec<_>>() {
            winners += usize::from(matches!(rival.await.unwrap(), SignInOutcome::Recorded { .. }));
        }
        assert_eq!(winners, 1);
        assert_eq!(store.events(user.id, None, 10).await.unwrap().unwrap().len(), 1);
    })
    .await;
}

/// The expected result of a sign-in.
#[derive(Clone, Copy, Debug)]
pub enum Case {
    Valid,
    /// The counter is too low, like that of a copied passkey.
    StaleCounter,
    UnknownUser,
    /// The session's ID is already in use, which never happens outside tests.
    DuplicateSessionId,
}

pub async fn prepare(store: &dyn Store, case: Case, name: &str) -> PendingSignIn {
    let (user, passkey, session) = add_account(store, name).await;
    let mut sign_in = PendingSignIn::new(&user, &passkey, u32::MAX);
    match case {
        Case::Valid => {}
        Case::StaleCounter => sign_in = PendingSignIn::new(&user, &passkey, 0),
        Case::UnknownUser => sign_in.passkey.user_id = UserId::random(&SystemEntropy),
        Case::DuplicateSessionId => sign_in.session.id = session.id,
    }
    sign_in
}

/// Starts the sign-ins in this order during another write; returns the result of each.
async fn record_together(
    store: &Arc<dyn Store>,
    sign_ins: Vec<PendingSignIn>,
) -> Vec<(Result<SignInOutcome, Unavailable>, PendingSignIn)> {
    let writer = store.begin().await.unwrap();
    let mut waiting = Vec::new();
    for sign_in in sign_ins {
        let store = Arc::clone(store);
        waiting.push(tokio::spawn(async move { (sign_in.try_record(&*store, None, None).await, sign_in) }));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    writer.commit().await.unwrap();
    let mut outcomes = Vec::new();
    for one in waiting {
        outcomes.push(one.await.unwrap());
    }
    outcomes
}

/// Sign-ins that wait for the same writer may be committed together, but each has its own result.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn valid_sign_ins_succeed_alongside_refused_ones() {
    use Case::{DuplicateSessionId, StaleCounter, UnknownUser, Valid};
    on_both(async |store| {
        let groups: [&[Case]; 5] = [
            &[Valid, Valid],
            &[DuplicateSessionId, Valid],
            &[Valid, DuplicateSessionId],
            &[DuplicateSessionId, DuplicateSessionId],
            &[
                StaleCounter,
                Valid,
                UnknownUser,
                DuplicateSessionId,
                Valid,
                StaleCounter,
                DuplicateSessionId,
                UnknownUser,
                Valid,
                StaleCounter,
            ],
        ];
        for (number, cases) in groups.into_iter().enumerate() {
            let mut sign_ins = Vec::new();
            for (place, case) in cases.iter().enumerate() {
                sign_ins.push(prepare(&*store, *case, &format!("ada{number}x{place}")).await);
            }
            for (case, (outcome, sign_in)) in cases.iter().zip(record_together(&store, sign_ins).await) {
                let is_as_expected = match case {
                    Valid => matches!(outcome, Ok(SignInOutcome::Recorded { .. })),
                    StaleCounter => matches!(outcome, Ok(SignInOutcome::Refused(_))),
                    UnknownUser => matches!(outcome, Ok(SignInOutcome::AccountDeleted)),
                    DuplicateSessionId => outcome.is_err(),
                };
                assert!(is_as_expected, "{number} {case:?}: {outcome:?}");
                match case {
                    Valid => assert!(store.session(&sign_in.session.token_hash).await.unwrap().is_some()),
                    _ => sign_in.assert_not_recorded(&*store).await,
                }
            }
        }
    })
    .await;
}

/// "Not now" in one tab and a sign-in in another change the same session and the same known browser.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn declining_a_passkey_and_signing_in_do_not_deadlock() {
    on_both(async |store| {
        let (user, passkey, previous) = add_account(&*store, "ada").await;
        let browser = new_known_browser(user.id);
        remember(&*store, &browser).await;
        let mut unit = store.begin().await.unwrap();
        unit.end_offer(previous.id, false).await.unwrap();
        let sign_in = PendingSignIn::new(&user, &passkey, u32::MAX);
        let waiting = {
            let (store, known, previous) = (Arc::clone(&store), browser.token_hash, previous.token_hash);
            tokio::spawn(async move { sign_in.record(&*store, Some(known), Some(previous)).await })
        };
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!waiting.is_finished(), "it waits for the session");
        unit.decline_offer(&browser.token_hash, user.id, user.created_at).await.unwrap();
        unit.commit().await.unwrap();
        let outcome = waiting.await.unwrap();
        assert!(matches!(outcome, SignInOutcome::Recorded(_)), "{outcome:?}");
        assert_eq!(store.session(&previous.token_hash).await.unwrap(), None);
    })
    .await;
}

/// A sign-in that waits for another command takes its committed changes into account.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_waiting_sign_in_sees_the_changes_of_another_command() {
    on_both(async |store| {
        for case in ["suspended", "removed", "lockdown", "deleted"] {
            let (user, passkey, _) = add_account(&*store, case).await;
            // This passkey can be suspended, because it was not created at sign-up.
            let passkey = Passkey { added_with: AddedWith::Passkey, ..passkey };
            reset_passkey(&*store, &passkey).await;
            let mut unit = store.begin().await.unwrap();
            unit.lock_user(user.id).await.unwrap();
            let sign_in = PendingSignIn::new(&user, &passkey, u32::MAX);
            let waiting = {
                let store = Arc::clone(&store);
                tokio::spawn(async move { (sign_in.record(&*store, None, None).await, sign_in) })
            };
            tokio::time::sleep(Duration::from_millis(100)).await;
            match case {
                "suspended" => {
                    unit.suspend_passkeys(
                        user.id,
                        Timestamp::from_unix_millis(0),
                        user.created_at.plus(Duration::from_mins(1)),
                    )
                    .await
                    .unwrap();
                }
                "removed" => assert!(unit.remove_passkey(user.id, &passkey.credential_id).await.unwrap()),
                "lockdown" => {
                    unit.set_lockdown(user.id, Some(Lockdown::begin(user.created_at, true))).await.unwrap();
                }
                _ => assert!(unit.delete_user(user.id, user.created_at).await.unwrap()),
            }
            unit.commit().await.unwrap();
            let (outcome, sign_in) = waiting.await.unwrap();
            let is_as_expected = match case {
                "suspended" | "removed" => matches!(outcome, SignInOutcome::Refused(_)),
                "lockdown" => matches!(outcome, SignInOutcome::NeedsUnitOfWork),
                _ => matches!(outcome, SignInOutcome::AccountDeleted),
            };
            assert!(is_as_expected, "{case}: {outcome:?}");
            assert_eq!(store.session(&sign_in.session.token_hash).await.unwrap(), None, "{case}");
        }
    })
    .await;
}
