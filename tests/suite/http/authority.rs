//! Tests of owner-only actions and of reauthentication (contract, rules 7 and 8).

use crate::app::{Answer, App, Backends, Browser};
use serde_json::{Value, json};
use std::time::Duration;

const OVER_TEN_MINUTES: Duration = Duration::from_secs(10 * 60 + 1);
const THREE_DAYS: Duration = Duration::from_hours(72);

/// Attempts every action that rule 8 names; the deletion has a wrong username, so the account stays.
async fn try_sensitive_actions(browser: &mut Browser, passkey: &str) -> Vec<(&'static str, Answer)> {
    vec![
        ("remove", browser.post("/api/passkeys/remove", json!({ "id": passkey })).await),
        ("address", browser.post("/api/account/email", json!({ "email": "new@example.org" })).await),
        ("codes", browser.post("/api/recovery/codes", json!({})).await),
        ("export", browser.get("/api/account/export").await),
        ("delete", browser.post("/api/account/delete", json!({ "username": "another" })).await),
    ]
}

async fn assert_all_refused(browser: &mut Browser, passkey: &str, code: &str) {
    for (act, answer) in try_sensitive_actions(browser, passkey).await {
        assert_eq!(answer.refusal(), (403, code.to_owned()), "{act}");
    }
}

async fn passkey_ids(browser: &mut Browser) -> Vec<String> {
    let list = browser.get("/api/passkeys").await.json();
    list["passkeys"].as_array().unwrap().iter().map(|passkey| passkey["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn sensitive_actions_need_a_passkey_used_in_the_last_ten_minutes() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        let (_, second) = own.add_passkey().await;
        app.clock.advance(OVER_TEN_MINUTES);
        assert_all_refused(&mut own, &second, "reauthentication_required").await;
        assert_eq!(own.post("/api/passkeys/start", json!({})).await.refusal().1, "reauthentication_required");

        let former = own.cookies["latchkey_session"].clone();
        let before = own.get("/api/session").await.json()["session"].clone();
        let answer = own.reauthenticate(&passkey).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let session = answer.json()["session"].clone();
        assert_eq!((&session["id"], &session["created_at"]), (&before["id"], &before["created_at"]));
        assert_ne!(session["authenticated_at"], before["authenticated_at"]);
        assert_ne!(own.cookies["latchkey_session"], former, "a new token");
        let mut stolen = app.browser();
        stolen.cookies.insert("latchkey_session".to_owned(), former);
        assert!(!stolen.is_signed_in().await, "the former token is invalid");

        let statuses: Vec<_> =
            try_sensitive_actions(&mut own, &second).await.iter().map(|(_, answer)| answer.status.as_u16()).collect();
        assert_eq!(statuses, [200, 202, 200, 200, 422]);
    }
}

#[tokio::test]
async fn reauthentication_accepts_only_the_users_own_passkeys_and_only_once() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let (mut ada, mut eve) = (app.browser(), app.browser());
        let passkey = ada.sign_up("ada").await;
        let foreign = eve.sign_up("eve").await;
        let options = ada.post("/api/reauthenticate/start", json!({})).await.json()["publicKey"].clone();
        let allowed: Vec<_> = options["allowCredentials"].as_array().unwrap().iter().map(|c| c["id"].clone()).collect();
        assert_eq!(allowed, [json!(passkey_ids(&mut ada).await[0])]);
        let answer = ada.reauthenticate(&foreign).await;
        assert_eq!(answer.refusal(), (401, "not_verified".to_owned()));

        let credential = passkey.assertion(&options, &app.origin).json();
        let body = json!({ "credential": credential });
        let mut elsewhere = eve.clone();
        elsewhere.cookies.insert("latchkey_browser".to_owned(), ada.cookies["latchkey_browser"].clone());
        assert_eq!(elsewhere.post("/api/reauthenticate/finish", body.clone()).await.refusal().1, "ceremony_expired");
        assert_eq!(ada.post("/api/reauthenticate/finish", body).await.refusal().1, "ceremony_expired", "it is spent");

        let mut stranger = app.browser();
        assert_eq!(stranger.post("/api/reauthenticate/start", json!({})).await.refusal().1, "signed_out");
        let options = ada.post("/api/reauthenticate/start", json!({})).await.json()["publicKey"].clone();
        let body = json!({ "credential": passkey.assertion(&options, &app.origin).json() });
        ada.post("/api/sign-out", json!({})).await;
        assert_eq!(ada.post("/api/reauthenticate/finish", body).await.refusal(), (401, "signed_out".to_owned()));
        let options = stranger.start_sign_in().await;
        let body = json!({ "credential": passkey.assertion(&options, &app.origin).json() });
        let answer = app.browser().post("/api/reauthenticate/finish", body).await;
        assert_eq!(answer.refusal(), (401, "signed_out".to_owned()));
        let answer = ada.post("/api/reauthenticate/finish", json!({ "credential": { "id": 1 } })).await;
        assert_eq!(answer.refusal(), (401, "signed_out".to_owned()));
    }
}

#[tokio::test]
async fn concurrent_reauthentications_leave_one_valid_token() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        let mut bodies = Vec::new();
        for _ in 0..4 {
            let options = own.post("/api/reauthenticate/start", json!({})).await.json()["publicKey"].clone();
            bodies.push(json!({ "credential": passkey.assertion(&options, &app.origin).json() }));
        }
        let tasks = bodies.into_iter().map(|body| {
            let mut browser = own.clone();
            tokio::spawn(async move {
                let status = browser.post("/api/reauthenticate/finish", body).await.status.as_u16();
                (status, browser)
            })
        });
        let mut valid_tokens = 0;
        for task in tasks.collect::<Vec<_>>() {
            let (status, mut browser) = task.await.unwrap();
            assert!(status == 200 || status == 401, "{status}");
            valid_tokens += usize::from(status == 200 && browser.is_signed_in().await);
        }
        assert_eq!(valid_tokens, 1);
    }
}

#[tokio::test]
async fn the_last_sign_in_method_survives_concurrent_removals() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up("ada").await;
        own.add_passkey().await;
        let ids = passkey_ids(&mut own).await;
        let tasks: Vec<_> = ids
            .iter()
            .map(|id| {
                let (mut browser, id) = (own.clone(), id.clone());
                tokio::spawn(async move { browser.post("/api/passkeys/remove", json!({ "id": id })).await })
            })
            .collect();
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap().status.as_u16());
        }
        statuses.sort_unstable();
        // A session whose passkey was removed may not remove another.
        assert!(statuses == [200, 409] || statuses == [200, 403], "{statuses:?}");
        assert_eq!(app.store.passkeys(user_id(&mut own).await).await.unwrap().len(), 1);
        assert_eq!(app.deadlocks().await, 0);
    }
}

async fn user_id(browser: &mut Browser) -> latchkey::server::model::UserId {
    let user = browser.get("/api/session").await.json()["user"]["id"].as_str().unwrap().to_owned();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, user).unwrap();
    latchkey::server::model::UserId(uuid::Uuid::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_confirmed_address_is_a_sign_in_method_unless_email_sign_in_is_off() {
    for (settings, expected) in [
        ([("EMAIL_SIGN_IN", "on"), ("SMTP_URL", "smtp://localhost:1")], 200),
        ([("EMAIL_SIGN_IN", "recovery-only"), ("SMTP_URL", "smtp://localhost:1")], 200),
        ([("EMAIL_SIGN_IN", "off"), ("SMTP_URL", "smtp://localhost:1")], 409),
    ] {
        let app = App::start_with_settings(Backends::Embedded, &settings).await;
        let mut own = app.browser();
        own.sign_up("bob").await;
        let id = passkey_ids(&mut own).await[0].clone();
        let answer = own.post("/api/passkeys/remove", json!({ "id": id })).await;
        assert_eq!(answer.refusal(), (409, "last_way_in".to_owned()), "the address is not confirmed");
        let token = app.email_to("bob@example.org").await.token();
        assert_eq!(own.post("/api/account/email/confirm", json!({ "token": token })).await.status, 200);
        let answer = own.post("/api/passkeys/remove", json!({ "id": id })).await;
        assert_eq!(answer.status.as_u16(), expected, "{settings:?}");
    }
}

#[tokio::test]
async fn a_removed_passkey_cannot_sign_in_and_its_sessions_can_be_ended() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        let (second, id) = own.add_passkey().await;
        let mut lost = app.browser();
        assert_eq!(lost.sign_in(&second).await.status, 200);
        assert_eq!(own.post("/api/passkeys/remove", json!({ "id": id })).await.json(), json!({}));
        assert_eq!(app.browser().sign_in(&second).await.refusal(), (401, "unknown_passkey".to_owned()));
        assert_eq!(own.post("/api/passkeys/remove", json!({ "id": id })).await.refusal().1, "not_found");
        assert!(lost.is_signed_in().await);
        assert_eq!(own.post("/api/sessions/revoke", json!({ "passkey": id })).await.json(), json!({ "revoked": 1 }));
        assert!(!lost.is_signed_in().await);
        let email = app.email_about("ada@example.org", "A passkey was removed from your account").await;
        assert!(email.0.text.contains("Passkey") && email.0.text.contains("/not-me?token="));
    }
}

#[tokio::test]
async fn passkeys_of_other_users_and_malformed_ids_get_the_same_answer() {
    let app = App::start(Backends::Embedded).await;
    let (mut ada, mut eve) = (app.browser(), app.browser());
    ada.sign_up("ada").await;
    eve.sign_up("eve").await;
    let foreign = passkey_ids(&mut eve).await[0].clone();
    for id in [foreign.as_str(), "AAAA", "", "?", &"A".repeat(5_000)] {
        let answer = ada.post("/api/passkeys/remove", json!({ "id": id })).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{id}");
    }
    assert_eq!(eve.get("/api/passkeys").await.json()["passkeys"].as_array().unwrap().len(), 1);
    assert_eq!(app.browser().post("/api/passkeys/remove", json!({ "id": "AAAA" })).await.refusal().1, "signed_out");
}

#[tokio::test]
async fn a_passkey_added_by_email_is_on_probation_for_three_days_while_an_older_one_exists() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let older = own.sign_up_verified(&app, "ada").await;
        let first = passkey_ids(&mut own).await[0].clone();
        app.clock.advance(Duration::from_mins(1));
        let mut browser = app.browser();
        browser.sign_in_by_email(&app, "ada").await;
        assert_all_refused(&mut browser, &first, "reauthentication_required").await;
        let (new, id) = browser.add_passkey().await;
        app.email_about("ada@example.org", "A passkey was added to your account").await;
        assert_eq!(browser.reauthenticate(&new).await.status, 200);
        assert_all_refused(&mut browser, &first, "passkey_too_new").await;
        assert_eq!(browser.post("/api/passkeys/start", json!({})).await.refusal().1, "passkey_too_new");
        let refused = browser.form("/account", &[("action", "address"), ("email", "typed@example.org")]).await;
        assert!(refused.status == 403 && refused.text().contains("typed@example.org"), "the form keeps the input");
        let page = browser.get("/confirm?next=/account").await;
        assert!(page.status == 403 && page.text().contains("Confirm with a passkey"), "an older passkey can confirm");

        let mut fresh = app.browser();
        assert_eq!(fresh.sign_in(&older).await.status, 200);
        assert_eq!(fresh.post("/api/recovery/codes", json!({})).await.status, 200, "the older passkey may");

        app.clock.advance(THREE_DAYS);
        let mut late = app.browser();
        assert_eq!(late.sign_in(&new).await.status, 200);
        assert_eq!(late.post("/api/passkeys/remove", json!({ "id": first })).await.status, 200);
        assert_eq!(late.post("/api/passkeys/remove", json!({ "id": id })).await.status, 200, "email still signs in");
    }
}

#[tokio::test]
async fn without_a_passkey_a_new_email_reauthenticates_the_user() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let body = json!({ "username": "ada", "email": "ada@example.org" });
        assert_eq!(own.post("/api/sign-up/email", body).await.status, 202);
        let token = app.email_to("ada@example.org").await.token();
        assert_eq!(own.redeem_link(&token).await.status, 200);
        assert_eq!(own.post("/api/recovery/codes", json!({})).await.status, 200, "signing up authenticates");
        app.clock.advance(OVER_TEN_MINUTES);
        assert_eq!(own.post("/api/recovery/codes", json!({})).await.refusal().1, "reauthentication_required");

        let answer = own.post("/api/reauthenticate/email", json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "expires_in": 600 })));
        let email = app.email_about("ada@example.org", "Confirm it's you").await;
        let mut stranger = app.browser();
        let body = json!({ "token": email.token() });
        assert_eq!(stranger.post("/api/reauthenticate/link", body.clone()).await.refusal().1, "signed_out");
        assert_eq!(stranger.redeem_link(&email.token()).await.refusal().1, "link_expired", "the link does not sign in");
        let wrong = own.post("/api/reauthenticate/code", json!({ "code": email.wrong_code() })).await;
        assert_eq!((wrong.refusal().1.as_str(), &wrong.json()["error"]["tries_left"]), ("code_wrong", &json!(4)));
        let former = own.cookies["latchkey_session"].clone();
        let answer = own.post("/api/reauthenticate/code", json!({ "code": email.code() })).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["session"]["method"]), (200, &json!("email")));
        assert_ne!(own.cookies["latchkey_session"], former);
        assert_eq!(own.post("/api/reauthenticate/link", body).await.refusal(), (401, "link_expired".to_owned()));
        assert_eq!(own.post("/api/recovery/codes", json!({})).await.status, 200);

        own.add_passkey().await;
        assert_eq!(
            own.post("/api/reauthenticate/email", json!({})).await.refusal(),
            (403, "passkey_required".to_owned())
        );
        assert_eq!(own.post("/api/recovery/codes", json!({})).await.refusal().1, "reauthentication_required");
    }
}

#[tokio::test]
async fn after_an_email_added_a_passkey_reauthentication_allows_another() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up_verified(&app, "ada").await;
        app.clock.advance(THREE_DAYS);
        let mut own = app.browser();
        own.sign_in_by_email(&app, "ada").await;
        let (passkey, _) = own.add_passkey().await;
        app.clock.advance(THREE_DAYS);
        own.sign_in_by_email(&app, "ada").await;
        own.add_passkey().await;
        assert_eq!(own.reauthenticate(&passkey).await.status, 200);
        own.add_passkey().await;
    }
}

#[tokio::test]
async fn concurrent_sign_ins_and_reports_do_not_deadlock() {
    let app = App::start(Backends::Servers).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    let (second, _) = own.add_passkey().await;
    let token = app.email_about("ada@example.org", "A passkey was added to your account").await.token_for("/not-me");
    let mut tasks = Vec::new();
    for number in 0..12 {
        let (mut browser, passkey, token) = (app.browser(), second.clone(), token.clone());
        tasks.push(tokio::spawn(async move {
            let answer = match number {
                6 => browser.post("/api/account/not-me", json!({ "token": token })).await,
                _ => browser.sign_in(&passkey).await,
            };
            answer.status.as_u16()
        }));
    }
    for task in tasks {
        let status = task.await.unwrap();
        assert!(status == 200 || status == 401, "{status}");
    }
    assert_eq!(app.deadlocks().await, 0);
    assert_eq!(app.browser().sign_in(&second).await.status, 401);
}

#[tokio::test]
async fn another_session_or_account_cannot_use_a_reauthentication_email() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.post("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })).await;
    let token = app.email_to("ada@example.org").await.token();
    own.redeem_link(&token).await;
    own.post("/api/reauthenticate/email", json!({})).await;
    let email = app.email_about("ada@example.org", "Confirm it's you").await;
    let (mut other, mut eve) = (app.browser(), app.browser());
    other.sign_in_by_email(&app, "ada").await;
    eve.sign_up("eve").await;
    let body = json!({ "token": email.token() });
    let answer = other.post("/api/reauthenticate/link", body.clone()).await;
    assert_eq!(answer.refusal(), (409, "other_browser".to_owned()));
    assert_eq!(eve.post("/api/reauthenticate/link", body.clone()).await.refusal().1, "other_account");
    assert_eq!(
        other.post("/api/reauthenticate/code", json!({ "code": email.code() })).await.refusal().1,
        "link_expired"
    );
    assert_eq!(own.post("/api/reauthenticate/link", body).await.status, 200);
}

#[tokio::test]
async fn reauthentication_by_email_is_refused_if_email_sign_in_is_off() {
    let app = App::start_with_settings(Backends::Embedded, &[("EMAIL_SIGN_IN", "off")]).await;
    let mut own = app.browser();
    own.sign_up("ada").await;
    for (path, body) in [
        ("/api/reauthenticate/email", json!({})),
        ("/api/reauthenticate/code", json!({ "code": "123456" })),
        ("/api/reauthenticate/link", json!({ "token": "x" })),
    ] {
        assert_eq!(own.post(path, body).await.refusal(), (404, "email_off".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_copied_passkey_is_refused_and_recorded_and_the_owner_is_notified() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let mut passkey = own.sign_up_verified(&app, "ada").await;
        passkey.counter = 7;
        assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
        passkey.counter = 6;
        assert_eq!(app.browser().sign_in(&passkey).await.refusal(), (401, "not_verified".to_owned()));
        let email = app.email_about("ada@example.org", "Passkey may have been copied").await;
        assert!(email.0.text.contains("may have been copied"), "{}", email.0.text);
        let events = own.get("/api/account/events").await.json()["events"].clone();
        assert_eq!(kinds(&events)[0], "counter_went_back");
    }
}

/// If devices send the same counter at once, one signs in; the others are treated like a device that comes later.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copied_passkey_used_concurrently_also_notifies_the_owner() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let mut passkey = own.sign_up_verified(&app, "ada").await;
        for counter in 1..6 {
            passkey.counter = counter;
            let mut rivals = Vec::new();
            for _ in 0..4 {
                let mut browser = app.browser();
                let credential = passkey.assertion(&browser.start_sign_in().await, &app.origin).json();
                rivals.push(async move {
                    browser.post("/api/sign-in/finish", json!({ "credential": credential })).await.status.as_u16()
                });
            }
            let rivals: Vec<_> = rivals.into_iter().map(tokio::spawn).collect();
            let mut answers = Vec::new();
            for rival in rivals {
                answers.push(rival.await.unwrap());
            }
            answers.sort_unstable();
            assert_eq!(answers, [200, 401, 401, 401]);
        }
        let events = own.get("/api/account/events").await.json()["events"].clone();
        let kinds = kinds(&events);
        let count = |kind| kinds.iter().filter(|known| *known == kind).count();
        assert_eq!((count("counter_went_back"), count("sign_in_refused")), (1, 0), "once an hour: {kinds:?}");
        app.email_about("ada@example.org", "Passkey may have been copied").await;
    }
}

pub fn kinds(events: &Value) -> Vec<String> {
    events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}
