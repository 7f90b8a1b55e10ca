//! Tests of adding a passkey to an account.

use crate::app::{Answer, App, Backends, Browser};
use crate::authenticator::SoftPasskey;
use serde_json::{Value, json};
use std::time::Duration;

async fn start(browser: &mut Browser) -> Value {
    let answer = browser.post("/api/passkeys/start", json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["publicKey"].clone()
}

async fn add(browser: &mut Browser, name: Option<&str>) -> Answer {
    let options = start(browser).await;
    let passkey = SoftPasskey::new(&options);
    let credential = passkey.registration(&options, &browser.origin.clone()).json();
    browser.post("/api/passkeys/finish", json!({ "credential": credential, "name": name })).await
}

async fn signed_in_by_email(app: &App, name: &str) -> Browser {
    let mut browser = app.browser();
    browser.request_sign_in_email(name).await;
    let token = app.email_to(&format!("{name}@example.org")).await.token();
    assert_eq!(browser.redeem_link(&token).await.status, 200);
    browser
}

#[tokio::test]
async fn after_an_email_sign_in_one_passkey_can_be_created() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up_verified(&app, "ada").await;
        let mut browser = signed_in_by_email(&app, "ada").await;
        assert!(browser.get("/account").await.text().contains("Create a passkey on this device"));
        let options = start(&mut browser).await;
        assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
        assert_eq!(options["excludeCredentials"][0]["transports"], json!(["internal", "hybrid"]));
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        let passkey = SoftPasskey::new(&options);
        let credential = passkey.registration(&options, &app.origin).json();
        let answer = browser.post("/api/passkeys/finish", json!({ "credential": credential })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["passkey"]["name"], "Passkey 2", "the first one is called Passkey");
        assert!(!browser.get("/account").await.text().contains("Create a passkey on this device"));
        assert_eq!(app.browser().sign_in(&passkey).await.json()["user"]["username"], "ada");

        let second = browser.post("/api/passkeys/start", json!({})).await;
        assert_eq!(second.refusal(), (403, "reauthentication_required".to_owned()), "an email sign-in allows one");
    }
}

#[tokio::test]
async fn adding_a_passkey_needs_a_recent_sign_in() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        let passkey = browser.sign_up_verified(&app, "ada").await;
        assert_eq!(add(&mut browser, Some("My key")).await.json()["passkey"]["name"], "My key");
        let mut email = signed_in_by_email(&app, "ada").await;
        let options = start(&mut browser).await;
        app.clock.advance(Duration::from_secs(10 * 60 + 1));
        for browser in [&mut browser, &mut email] {
            let answer = browser.post("/api/passkeys/start", json!({})).await;
            assert_eq!(answer.refusal(), (403, "reauthentication_required".to_owned()));
        }
        let late = SoftPasskey::new(&options).registration(&options, &app.origin).json();
        let answer = browser.post("/api/passkeys/finish", json!({ "credential": late })).await;
        assert_eq!(answer.refusal(), (401, "ceremony_expired".to_owned()));
        browser.sign_in(&passkey).await;
        assert_eq!(add(&mut browser, None).await.status, 200);
        assert_eq!(app.browser().post("/api/passkeys/start", json!({})).await.refusal().1, "signed_out");
    }
}

#[tokio::test]
async fn a_registration_that_starts_in_time_must_also_finish_in_time() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    app.clock.advance(Duration::from_secs(599));
    let options = start(&mut browser).await;
    let credential = SoftPasskey::new(&options).registration(&options, &app.origin).json();
    app.clock.advance(Duration::from_secs(2));
    let answer = browser.post("/api/passkeys/finish", json!({ "credential": credential })).await;
    assert_eq!(answer.refusal(), (403, "reauthentication_required".to_owned()));
}

#[tokio::test]
async fn invalid_registrations_are_refused() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let known = browser.sign_up("ada").await;
    let options = start(&mut browser).await;
    let honest = SoftPasskey::new(&options).registration(&options, &app.origin).json();
    for name in ["", "x\u{202e}", &"x".repeat(65)] {
        let answer = browser.post("/api/passkeys/finish", json!({ "credential": honest, "name": name })).await;
        assert_eq!(answer.refusal(), (422, "invalid_name".to_owned()), "{name:?}");
    }
    assert_eq!(browser.post("/api/passkeys/finish", json!({ "credential": {} })).await.refusal().1, "bad_request");

    let mut eve = app.browser();
    eve.sign_up("eve").await;
    eve.cookies.insert("latchkey_browser".to_owned(), browser.cookies["latchkey_browser"].clone());
    let answer = eve.post("/api/passkeys/finish", json!({ "credential": honest })).await;
    assert_eq!(answer.refusal(), (401, "ceremony_expired".to_owned()), "the ceremony was started for another user");

    let options = start(&mut browser).await;
    let again = known.registration(&options, &app.origin).json();
    let answer = browser.post("/api/passkeys/finish", json!({ "credential": again })).await;
    assert_eq!(answer.refusal(), (409, "passkey_exists".to_owned()));

    let options = start(&mut browser).await;
    let foreign = SoftPasskey::new(&options).registration(&options, "https://evil.example").json();
    let answer = browser.post("/api/passkeys/finish", json!({ "credential": foreign })).await;
    assert_eq!(answer.refusal(), (401, "not_verified".to_owned()));
}

#[tokio::test]
async fn an_account_has_at_most_twenty_passkeys() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    for _ in 1..20 {
        assert_eq!(add(&mut browser, None).await.status, 200);
    }
    assert_eq!(add(&mut browser, None).await.refusal(), (409, "too_many_passkeys".to_owned()));
    let list = browser.get("/api/passkeys").await.json();
    assert_eq!(list["passkeys"].as_array().unwrap().len(), 20);
    assert_eq!(list["passkeys"][0]["current"], true);
    assert_eq!(list["passkeys"][1]["current"], false);
    assert_eq!(list["passkeys"][0]["transports"], json!(["internal", "hybrid"]));
    assert_eq!(app.browser().get("/api/passkeys").await.refusal().1, "signed_out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_email_sign_in_allows_only_one_of_many_concurrent_passkeys() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up_verified(&app, "ada").await;
        let mut browser = signed_in_by_email(&app, "ada").await;
        let mut credentials = Vec::new();
        for _ in 0..8 {
            let options = start(&mut browser).await;
            credentials.push(SoftPasskey::new(&options).registration(&options, &app.origin).json());
        }
        let finishes = credentials.into_iter().map(|credential| {
            let mut browser = browser.clone();
            tokio::spawn(async move { browser.post("/api/passkeys/finish", json!({ "credential": credential })).await })
        });
        let mut winners = 0;
        for answer in finishes.collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            match answer.status.as_u16() {
                200 => winners += 1,
                status => assert_eq!((status, answer.refusal().1.as_str()), (403, "reauthentication_required")),
            }
        }
        assert_eq!(winners, 1, "{backends:?}");
    }
}

#[tokio::test]
async fn not_now_is_remembered_for_thirty_days_for_this_browser_and_user() {
    let app = App::start(Backends::Embedded).await;
    app.browser().sign_up_verified(&app, "ada").await;
    let mut browser = signed_in_by_email(&app, "ada").await;
    let offers =
        async |browser: &mut Browser| browser.get("/account").await.text().contains("Create a passkey on this device");
    assert!(offers(&mut browser).await);
    let answer = browser.form("/account", &[("action", "decline")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account"));
    assert!(!offers(&mut browser).await);
    let again = async |browser: &mut Browser| {
        browser.request_sign_in_email("ada").await;
        let token = app.email_to("ada@example.org").await.token();
        assert_eq!(browser.redeem_link(&token).await.status, 200);
    };
    app.clock.advance(Duration::from_hours(29 * 24));
    again(&mut browser).await;
    assert!(!offers(&mut browser).await);
    assert!(offers(&mut signed_in_by_email(&app, "ada").await).await, "another browser still shows the offer");
    app.clock.advance(Duration::from_hours(24));
    again(&mut browser).await;
    assert!(offers(&mut browser).await, "and this one does again after 30 days");
    assert_eq!(browser.form("/account", &[("action", "nonsense")]).await.status, 400);
}

#[tokio::test]
async fn only_a_passkey_of_another_device_triggers_the_offer() {
    let app = App::start(Backends::Embedded).await;
    let passkey = app.browser().sign_up("ada").await;
    for (attachment, is_offered) in
        [(json!("cross-platform"), true), (json!("platform"), false), (json!(null), false), (json!("odd"), false)]
    {
        let mut browser = app.browser();
        let options = browser.start_sign_in().await;
        let mut credential = passkey.assertion(&options, &app.origin).json();
        credential["authenticatorAttachment"] = attachment.clone();
        assert_eq!(browser.post("/api/sign-in/finish", json!({ "credential": credential })).await.status, 200);
        let page = browser.get("/account").await.text();
        assert_eq!(page.contains("Create a passkey on this device"), is_offered, "{attachment}");
    }
}
