use crate::app::{App, Backends};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_cookie_is_hidden_from_scripts_and_ends_with_the_browser_unless_the_user_stays_signed_in() {
    let app = App::start(Backends::Embedded).await;
    let passkey = app.browser().sign_up("ada").await;
    for (keep, age) in [(json!(null), None), (json!(false), None), (json!(true), Some("Max-Age=2592000"))] {
        let mut browser = app.browser();
        let options = browser.start_sign_in().await;
        let credential = passkey.assertion(&options, &app.origin).json();
        let answer = browser.post("/api/sign-in/finish", json!({ "credential": credential, "keep": keep })).await;
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with("latchkey_session="), "{cookie}");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert_eq!(cookie.contains("Max-Age"), age.is_some(), "{cookie}");
        assert!(cookie.contains(age.unwrap_or_default()), "{cookie}");
        assert!(!cookie.contains("Secure"), "{cookie}");
    }
}

#[tokio::test]
async fn with_https_the_cookies_are_secure_and_bound_to_the_host() {
    let app = App::start_with(Backends::Embedded, "https://id.example").await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let names: Vec<_> = browser.cookies.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["__Host-latchkey_browser", "__Host-latchkey_known", "__Host-latchkey_notice", "__Host-latchkey_session"]
    );
    let answer = browser.get("/account").await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=63072000");
}

#[tokio::test]
async fn every_sign_in_issues_a_new_token_and_ends_the_old_session() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        let passkey = browser.sign_up("ada").await;
        let old = browser.clone();
        assert_eq!(browser.sign_in(&passkey).await.status, 200);
        assert_ne!(browser.cookies["latchkey_session"], old.cookies["latchkey_session"]);
        assert!(browser.is_signed_in().await);
        assert!(!old.clone().is_signed_in().await, "the old token is invalid");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let stolen = browser.clone();
        let answer = browser.post("/api/sign-out", json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})));
        assert!(!browser.cookies.contains_key("latchkey_session"));
        assert_eq!(stolen.clone().get("/api/session").await.refusal(), (401, "signed_out".to_owned()));
        assert_eq!(browser.post("/api/sign-out", json!({})).await.status, 200, "signing out again succeeds");
    }
}

#[tokio::test]
async fn a_session_expires_after_an_idle_hour_and_in_any_case_after_a_day() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        let passkey = browser.sign_up("ada").await;
        app.clock.advance(Duration::from_mins(59));
        assert!(browser.is_signed_in().await);
        app.clock.advance(Duration::from_mins(59));
        assert!(browser.is_signed_in().await, "use keeps the session alive");
        app.clock.advance(Duration::from_hours(1));
        assert!(!browser.is_signed_in().await, "idle for an hour");

        assert_eq!(browser.sign_in(&passkey).await.status, 200);
        for _ in 0..47 {
            app.clock.advance(Duration::from_mins(30));
            assert!(browser.is_signed_in().await);
        }
        app.clock.advance(Duration::from_mins(30));
        assert!(!browser.is_signed_in().await, "after a day");
    }
}

#[tokio::test]
async fn the_session_is_returned_with_times_in_utc() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let json = browser.get("/api/session").await.json();
    for name in ["authenticated_at", "created_at", "last_seen_at", "expires_at"] {
        assert!(json["session"][name].as_str().unwrap().ends_with('Z'), "{json}");
    }
    assert_eq!(json["user"]["username"], "ada");
    assert_eq!(json["session"]["client"], json!({ "browser": null, "system": null }));
}

#[tokio::test]
async fn a_forged_token_is_refused() {
    let app = App::start(Backends::Embedded).await;
    for token in [String::new(), "x".repeat(43), "A".repeat(43), "A".repeat(5_000)] {
        let mut browser = app.browser();
        browser.cookies.insert("latchkey_session".to_owned(), token);
        assert_eq!(browser.get("/api/session").await.refusal(), (401, "signed_out".to_owned()));
    }
}
