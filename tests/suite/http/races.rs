//! Tests that send twenty concurrent requests for each one-time operation: at most one succeeds, and none hangs or
//! causes a server error. The tests run a few rounds by default and fifty with `make soak`.

use crate::app::{Answer, App, Backends, Browser};
use crate::authenticator::SoftPasskey;
use crate::program::rounds;
use latchkey::server::model::{CredentialId, EventKind};
use serde_json::{Value, json};
use std::time::Duration;

const AT_ONCE: usize = 20;

/// Sends the same request from copies of a browser at once; returns the number of successes. The others are refused.
async fn send_concurrently(browser: &Browser, path: &'static str, body: &Value) -> usize {
    let tasks = (0..AT_ONCE).map(|_| {
        let (mut browser, body) = (browser.clone(), body.clone());
        tokio::spawn(async move { browser.post(path, body).await })
    });
    count_successes(tasks.collect()).await
}

/// Waits for the answers and asserts that none is a server error.
async fn count_successes(tasks: Vec<tokio::task::JoinHandle<Answer>>) -> usize {
    let mut successes = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        assert!(answer.status.as_u16() < 500, "{}", answer.text());
        successes += usize::from(answer.status == 200);
    }
    successes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_one_time_operation_succeeds_once() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for round in 0..rounds(2, 50) {
            let name = format!("ada{round}");
            let mut own = app.browser();
            let options = own.start_sign_up(&name).await;
            let passkey = SoftPasskey::new(&options);
            let body = json!({ "credential": passkey.registration(&options, &app.origin).json() });
            assert_eq!(send_concurrently(&own, "/api/sign-up/finish", &body).await, 1, "a sign-up");

            let mut own = app.browser();
            let options = own.start_sign_in().await;
            let body = json!({ "credential": passkey.assertion(&options, &app.origin).json() });
            assert_eq!(send_concurrently(&own, "/api/sign-in/finish", &body).await, 1, "a sign-in");

            own.sign_in(&passkey).await;
            let address = format!("{name}@example.org");
            let token = app.email_to(&address).await.token();
            let body = json!({ "token": token });
            assert_eq!(send_concurrently(&own, "/api/account/email/confirm", &body).await, 1, "a confirmation");
            race_email_answers(&app, &name, &address).await;
            race_recovery_and_reports(&app, &mut own, &passkey, &name).await;
        }
        assert_eq!(app.deadlocks().await, 0, "{backends:?}");
    }
}

async fn race_email_answers(app: &App, name: &str, address: &str) {
    let mut requester = app.browser();
    requester.request_sign_in_email(name).await;
    let token = app.email_to(address).await.token();
    assert_eq!(send_concurrently(&requester, "/api/email/link", &json!({ "token": token })).await, 1, "a link");
    requester.request_sign_in_email(name).await;
    let code = app.email_to(address).await.code();
    assert_eq!(send_concurrently(&requester, "/api/email/code", &json!({ "code": code })).await, 1, "a code");
}

async fn race_recovery_and_reports(app: &App, own: &mut Browser, passkey: &SoftPasskey, name: &str) {
    let options = own.post("/api/reauthenticate/start", json!({})).await.json()["publicKey"].clone();
    let body = json!({ "credential": passkey.assertion(&options, &app.origin).json() });
    assert_eq!(send_concurrently(own, "/api/reauthenticate/finish", &body).await, 1, "a reauthentication");
    own.sign_in(passkey).await;
    let codes = own.post("/api/recovery/codes", json!({})).await.json()["codes"].clone();
    let body = json!({ "identifier": name, "code": codes[0] });
    assert_eq!(send_concurrently(&app.browser(), "/api/recovery/use", &body).await, 1, "a recovery code");

    let (former, new) = (format!("{name}@example.org"), format!("{name}@example.net"));
    assert_eq!(own.post("/api/account/email", json!({ "email": new })).await.status, 202);
    let token = app.email_to(&new).await.token();
    assert_eq!(own.post("/api/account/email/confirm", json!({ "token": token })).await.status, 200);
    let email = app.email_about(&former, "Your email address was changed").await;
    let body = json!({ "token": email.token_for("/email/undo") });
    assert_eq!(send_concurrently(&app.browser(), "/api/account/email/undo", &body).await, 1, "an undo");
    let body = json!({ "token": email.token_for("/not-me") });
    assert_eq!(send_concurrently(&app.browser(), "/api/account/not-me", &body).await, 1, "not me");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_passkeys_becomes_the_twentieth() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up("ada").await;
        for _ in 0..18 {
            own.add_passkey().await;
        }
        let mut asks = Vec::new();
        for _ in 0..8 {
            let options = own.post("/api/passkeys/start", json!({})).await.json()["publicKey"].clone();
            let passkey = SoftPasskey::new(&options);
            let body = json!({ "credential": passkey.registration(&options, &app.origin).json() });
            let mut browser = own.clone();
            asks.push(tokio::spawn(async move { browser.post("/api/passkeys/finish", body).await }));
        }
        assert_eq!(count_successes(asks).await, 1, "{backends:?}");
        assert_eq!(own.get("/api/passkeys").await.json()["passkeys"].as_array().unwrap().len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_removals_keep_the_last_sign_in_method() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for round in 0..rounds(2, 50) {
            let mut own = app.browser();
            own.sign_up(&format!("ada{round}")).await;
            for _ in 0..3 {
                own.add_passkey().await;
            }
            let list = own.get("/api/passkeys").await.json();
            let ids: Vec<_> = list["passkeys"].as_array().unwrap().iter().map(|p| p["id"].clone()).collect();
            let asks = (0..AT_ONCE).map(|number| {
                let (mut browser, body) = (own.clone(), json!({ "id": ids[number % ids.len()] }));
                tokio::spawn(async move { browser.post("/api/passkeys/remove", body).await })
            });
            let removed = count_successes(asks.collect()).await;
            let left = own.get("/api/passkeys").await.json()["passkeys"].as_array().unwrap().len();
            assert_eq!(left, 4 - removed, "{backends:?}");
            assert!(left >= 1, "{backends:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn renaming_a_passkey_during_its_removal_does_not_restore_it() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up("ada").await;
        for _ in 0..rounds(4, 50) {
            let (_, id) = own.add_passkey().await;
            let (mut one, mut other) = (own.clone(), own.clone());
            let (remove, rename) = (json!({ "id": id }), json!({ "id": id, "name": "Renamed" }));
            let removing = tokio::spawn(async move { one.post("/api/passkeys/remove", remove).await });
            let renaming = tokio::spawn(async move { other.post("/api/passkeys/rename", rename).await });
            assert_eq!(removing.await.unwrap().status, 200);
            assert!([200, 404].contains(&renaming.await.unwrap().status.as_u16()));
            assert!(!own.get("/api/passkeys").await.text().contains(&id), "the passkey must not come back");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_while_other_sessions_are_revoked_is_valid_or_revoked() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        for _ in 0..rounds(4, 50) {
            let mut others: Vec<_> = (0..6).map(|_| app.browser()).collect();
            let mut tasks = Vec::new();
            for mut other in others.drain(..) {
                let passkey = passkey.clone();
                tasks.push(tokio::spawn(async move {
                    assert_eq!(other.sign_in(&passkey).await.status, 200);
                    other
                }));
            }
            let mut ending = own.clone();
            let ended =
                tokio::spawn(async move { ending.post("/api/sessions/revoke", json!({ "others": true })).await });
            assert_eq!(ended.await.unwrap().status, 200);
            let mut alive = 0;
            for task in tasks {
                alive += usize::from(task.await.unwrap().is_signed_in().await);
            }
            let listed = own.get("/api/sessions").await.json()["sessions"].as_array().unwrap().len();
            assert_eq!(listed, alive + 1, "{backends:?}: the list shows exactly the valid sessions");
            own.post("/api/sessions/revoke", json!({ "others": true })).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revoked_session_cannot_change_the_address() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for round in 0..rounds(3, 50) {
            let (name, mut own, mut thief) = (format!("ada{round}"), app.browser(), app.browser());
            let passkey = own.sign_up_verified(&app, &name).await;
            thief.sign_in(&passkey).await;
            let new = format!("thief{round}@example.org");
            assert_eq!(thief.post("/api/account/email", json!({ "email": new })).await.status, 202);
            let body = json!({ "token": app.email_to(&new).await.token() });
            let mut ending = own.clone();
            let confirming = tokio::spawn(async move { thief.post("/api/account/email/confirm", body).await });
            let ended =
                tokio::spawn(async move { ending.post("/api/sessions/revoke", json!({ "others": true })).await });
            let (confirmed, ended) = (confirming.await.unwrap(), ended.await.unwrap());
            let is_changed = confirmed.status == 200;
            assert!(is_changed || confirmed.refusal().0 == 401, "{}", confirmed.text());
            // Exactly one of the two succeeds.
            assert!(is_changed != (ended.status == 200), "{} {}", confirmed.status, ended.status);
            assert_eq!(own.is_signed_in().await, !is_changed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_during_account_deletion_succeeds_or_is_refused() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for round in 0..rounds(3, 50) {
            let (name, mut own) = (format!("ada{round}"), app.browser());
            let passkey = own.sign_up(&name).await;
            let asks = (0..6).map(|_| {
                let (mut browser, passkey) = (app.browser(), passkey.clone());
                tokio::spawn(async move { browser.sign_in(&passkey).await })
            });
            let asks: Vec<_> = asks.collect();
            assert_eq!(own.post("/api/account/delete", json!({ "username": name })).await.status, 200);
            for task in asks {
                let answer = task.await.unwrap();
                assert!([200, 401].contains(&answer.status.as_u16()), "{}", answer.text());
            }
            assert_eq!(app.browser().sign_in(&passkey).await.refusal().1, "unknown_passkey");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_passkey_removed_during_its_verification_is_unknown() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let passkey = app.browser().sign_up("ada").await;
        let id = CredentialId::new(passkey.credential_id.clone()).unwrap();
        let (_, owner) = app.store.passkey(&id).await.unwrap().unwrap();
        let mut unit = app.store.begin().await.unwrap();
        unit.lock_user(owner.id).await.unwrap();
        let (mut browser, used) = (app.browser(), passkey.clone());
        let signing_in = tokio::spawn(async move { browser.sign_in(&used).await });
        // Give the sign-in time to start waiting for the lock of the account or of the database file.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(unit.remove_passkey(owner.id, &id).await.unwrap());
        unit.commit().await.unwrap();
        assert_eq!(signing_in.await.unwrap().refusal(), (401, "unknown_passkey".to_owned()));
        let events = app.store.events(owner.id, None, 10).await.unwrap().unwrap();
        assert_eq!(events[0].kind, EventKind::SignInRefused);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_username_that_is_being_given_up_cannot_be_taken() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for round in 0..rounds(3, 50) {
            let (mut ada, mut eve) = (app.browser(), app.browser());
            let name = format!("ada{round}");
            ada.sign_up(&name).await;
            eve.sign_up(&format!("eve{round}")).await;
            let mut leaving = ada.clone();
            let left = json!({ "username": format!("away{round}") });
            let leaving = tokio::spawn(async move { leaving.post("/api/account/update", left).await });
            let mut taking = Vec::new();
            for _ in 0..4 {
                let (mut eve, body) = (eve.clone(), json!({ "username": name }));
                taking.push(tokio::spawn(async move { eve.post("/api/account/update", body).await }));
            }
            assert_eq!(leaving.await.unwrap().status, 200);
            assert_eq!(count_successes(taking).await, 0, "{backends:?}");
        }
    }
}
