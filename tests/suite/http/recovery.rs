//! Tests of recovery codes.

use crate::app::{App, Backends, Browser};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

async fn make_codes(own: &mut Browser) -> Vec<String> {
    let answer = own.post("/api/recovery/codes", json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

fn recovery_body(identifier: &str, code: &str) -> Value {
    json!({ "identifier": identifier, "code": code })
}

#[tokio::test]
async fn repeated_actions_send_at_most_three_notifications_an_hour() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        for _ in 0..5 {
            make_codes(&mut own).await;
            assert_eq!(own.get("/api/account/export").await.status, 200);
        }
        let count_emails =
            async |subject: &str| app.emails().await.iter().filter(|email| email.0.subject == subject).count();
        assert_eq!(count_emails("New recovery codes were created").await, 3);
        assert_eq!(count_emails("Your account's data was downloaded").await, 3);
        let events = own.get("/api/account/events").await.json()["events"].clone();
        let made = super::authority::kinds(&events).iter().filter(|kind| *kind == "recovery_codes_made").count();
        assert_eq!(made, 5, "each one is recorded");
        app.clock.advance(Duration::from_mins(61));
        let mut later = app.browser();
        assert_eq!(later.sign_in(&passkey).await.status, 200);
        make_codes(&mut later).await;
        assert_eq!(count_emails("New recovery codes were created").await, 4);
    }
}

#[tokio::test]
async fn ten_codes_work_once_each_and_new_ones_void_the_old_ones() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        let old = make_codes(&mut own).await;
        let codes = make_codes(&mut own).await;
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10);
        let mut browser = app.browser();
        let refused = browser.post("/api/recovery/use", recovery_body("ada", &old[0])).await;
        assert_eq!(refused.refusal(), (401, "code_wrong".to_owned()));
        assert!(refused.json()["error"].get("tries_left").is_none());

        let answer =
            browser.post("/api/recovery/use", recovery_body("ADA", &codes[0].to_lowercase().replace('-', " "))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            (&answer.json()["session"]["method"], &answer.json()["next"]),
            (&json!("recovery"), &json!("/account"))
        );
        assert!(browser.get("/account").await.text().contains("Create a passkey on this device"));
        let again = app.browser().post("/api/recovery/use", recovery_body("ada", &codes[0])).await;
        assert_eq!(again.refusal(), (401, "code_wrong".to_owned()));
        let by_address = app.browser().post("/api/recovery/use", recovery_body("ada@example.org", &codes[1])).await;
        assert_eq!(by_address.status, 200);
        app.email_about("ada@example.org", "Recovery code used").await;
        app.email_about("ada@example.org", "New recovery codes were created").await;
    }
}

#[tokio::test]
async fn only_one_of_many_concurrent_uses_of_a_code_succeeds() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up("ada").await;
        let code = make_codes(&mut own).await.remove(0);
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (mut browser, body) = (app.browser(), recovery_body("ada", &code));
                tokio::spawn(async move { browser.post("/api/recovery/use", body).await.status.as_u16() })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += usize::from(task.await.unwrap() == 200);
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn a_passkey_created_after_a_recovery_code_is_not_on_probation() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        let codes = make_codes(&mut own).await;
        let lost = own.get("/api/passkeys").await.json()["passkeys"][0]["id"].clone();
        app.clock.advance(Duration::from_mins(1));
        let mut browser = app.browser();
        browser.post("/api/recovery/use", recovery_body("ada", &codes[0])).await;
        let answer = browser.post("/api/passkeys/remove", json!({ "id": lost })).await;
        assert_eq!(answer.refusal(), (403, "reauthentication_required".to_owned()), "a code only allows adding one");
        let (new, _) = browser.add_passkey().await;
        assert_eq!(browser.post("/api/passkeys/start", json!({})).await.refusal().1, "reauthentication_required");
        assert_eq!(browser.reauthenticate(&new).await.status, 200);
        assert_eq!(browser.post("/api/passkeys/remove", json!({ "id": lost })).await.status, 200);
    }
}

#[tokio::test]
async fn a_recovery_code_ends_the_block_of_a_report() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    let codes = make_codes(&mut own).await;
    own.add_passkey().await;
    let email = app.email_about("ada@example.org", "A passkey was added to your account").await;
    let body = json!({ "token": email.token_for("/not-me") });
    assert_eq!(own.post("/api/account/not-me", body).await.status, 200);
    own.sign_in_by_email(&app, "ada").await;
    assert_eq!(own.post("/api/passkeys/start", json!({})).await.refusal().1, "older_passkey_required");
    assert_eq!(own.post("/api/recovery/use", recovery_body("ada", &codes[0])).await.status, 200);
    own.add_passkey().await;
}

#[tokio::test]
async fn a_report_voids_codes_that_an_attacker_created() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    let codes = make_codes(&mut own).await;
    let email = app.email_about("ada@example.org", "New recovery codes were created").await;
    let body = json!({ "token": email.token_for("/not-me") });
    assert_eq!(own.post("/api/account/not-me", body).await.status, 200);
    assert_eq!(own.post("/api/recovery/use", recovery_body("ada", &codes[0])).await.refusal().1, "code_wrong");
}

#[tokio::test]
async fn every_wrong_code_gets_the_same_answer() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let (mut ada, mut eve) = (app.browser(), app.browser());
        ada.sign_up("ada").await;
        eve.sign_up("eve").await;
        let codes = make_codes(&mut ada).await;
        let mut bodies = HashSet::new();
        for (identifier, code) in [
            ("ada", "AAAAA-AAAAA-AAAAA-AAAAA"),
            ("unknown", "AAAAA-AAAAA-AAAAA-AAAAA"),
            ("unknown@example.org", "AAAAA-AAAAA-AAAAA-AAAAA"),
            ("eve", codes[0].as_str()),
            // Not confirmed, so it belongs to no account.
            ("ada@example.org", codes[0].as_str()),
            ("", codes[0].as_str()),
            ("ada", ""),
            ("ada", "123456"),
            ("ada", &"A".repeat(30_000)),
        ] {
            let answer = app.browser().post("/api/recovery/use", recovery_body(identifier, code)).await;
            assert_eq!(answer.refusal(), (401, "code_wrong".to_owned()), "{identifier} {code}");
            assert!(answer.header("set-cookie").is_empty());
            bodies.insert(answer.body);
        }
        assert_eq!(bodies.len(), 1);
        assert_eq!(app.browser().post("/api/recovery/use", recovery_body("ada", &codes[0])).await.status, 200);
        assert_eq!(app.browser().post("/api/recovery/use", json!({ "code": "x" })).await.refusal().1, "bad_request");
    }
}

#[tokio::test]
async fn a_recovery_code_offers_a_new_passkey_even_if_one_was_declined() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    let codes = make_codes(&mut own).await;
    own.sign_in_by_email(&app, "ada").await;
    own.form("/account", &[("action", "decline")]).await;
    assert!(!own.get("/account").await.text().contains("Create a passkey on this device"));
    assert_eq!(own.post("/api/recovery/use", recovery_body("ada", &codes[0])).await.status, 200);
    assert!(own.get("/account").await.text().contains("Create a passkey on this device"));
}
