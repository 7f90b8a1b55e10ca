//! Tests of which browser may answer a sign-in email and of when an email expires for good (contract, rule 4).

use crate::app::{App, Backends, Browser};
use serde_json::json;
use std::time::Duration;

async fn app_with_account(backends: Backends) -> App {
    let app = App::start(backends).await;
    app.browser().sign_up_verified(&app, "ada").await;
    app.browser().sign_up_verified(&app, "eve").await;
    app
}

/// Returns the page that waits for the answer to an email.
async fn waiting_page(browser: &mut Browser) -> String {
    browser.get("/sign-in?step=email").await.text()
}

#[tokio::test]
async fn cookies_copied_from_a_shared_computer_reveal_nothing_about_the_next_user() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let mut shared = app.browser();
        shared.get("/sign-in").await;
        shared.start_sign_in().await;
        shared.request_sign_in_email("eve@example.org").await;
        let mut copied = shared.clone();
        shared.request_sign_in_email("ada@example.org").await;
        let email = app.email_to("ada@example.org").await;
        assert_ne!(
            copied.cookies["latchkey_email"], shared.cookies["latchkey_email"],
            "each request sets a new cookie"
        );
        assert!(!waiting_page(&mut copied).await.contains("ada@example.org"), "the typed address is not shown");
        assert_eq!(copied.redeem_code(&email.code()).await.status, 401, "the code does not sign in");
        assert_eq!(copied.redeem_link(&email.token()).await.refusal(), (409, "other_browser".to_owned()));
        copied.request_sign_in_email("eve@example.org").await;
        copied.form("/sign-in", &[("action", "forget")]).await;
        assert_eq!(shared.redeem_code(&email.code()).await.status, 200, "the email was not voided");
    }
}

#[tokio::test]
async fn the_email_cookie_is_void_after_sign_in_sign_out_or_a_switch_of_accounts() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let passkey = app.browser().sign_up("bob").await;
        for end in ["sign in", "sign out", "switch"] {
            let mut browser = app.browser();
            if end == "sign out" {
                browser.sign_in(&passkey).await;
            }
            browser.start_sign_in().await;
            browser.request_sign_in_email("ada").await;
            let (before, code) = (browser.clone(), app.email_to("ada@example.org").await.code());
            match end {
                "sign in" => assert_eq!(browser.sign_in(&passkey).await.status, 200),
                "sign out" => assert_eq!(browser.post("/api/sign-out", json!({})).await.status, 200),
                _ => assert_eq!(browser.form("/sign-in", &[("action", "forget")]).await.status, 303),
            }
            assert!(!browser.cookies.contains_key("latchkey_email"), "{end}");
            assert_eq!(before.clone().redeem_code(&code).await.status, 401, "{end}");
            if end != "sign in" {
                let name = "latchkey_browser";
                assert_ne!(browser.cookies.get(name), before.cookies.get(name), "{end}: a new cookie for ceremonies");
            }
        }
    }
}

#[tokio::test]
async fn an_expired_email_stays_expired_if_the_clock_goes_back() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let mut browser = app.browser();
        browser.request_sign_in_email("ada").await;
        let email = app.email_to("ada@example.org").await;
        app.clock.advance(Duration::from_mins(11));
        assert_eq!(browser.redeem_link(&email.token()).await.refusal(), (401, "link_expired".to_owned()));
        app.clock.shift_minutes(-11);
        assert_eq!(browser.redeem_link(&email.token()).await.refusal(), (401, "link_expired".to_owned()));
        assert_eq!(browser.redeem_code(&email.code()).await.status, 401);

        let mut browser = app.browser();
        browser.request_sign_in_email("eve").await;
        let code = app.email_to("eve@example.org").await.code();
        app.clock.advance(Duration::from_mins(11));
        assert_eq!(browser.redeem_code(&code).await.status, 401);
        app.clock.shift_minutes(-11);
        assert_eq!(browser.redeem_code(&code).await.status, 401);
    }
}

#[tokio::test]
async fn an_expired_session_stays_expired_if_the_clock_goes_back() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        app.clock.advance(Duration::from_hours(2));
        let mut copied = browser.clone();
        assert_eq!(browser.get("/api/session").await.status, 401);
        app.clock.shift_minutes(-120);
        assert_eq!(copied.get("/api/session").await.status, 401);
    }
}

#[tokio::test]
async fn viewing_a_page_sends_no_email() {
    let app = App::start_with_settings(Backends::Embedded, &[]).await;
    let mut own = app.browser();
    own.post("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })).await;
    let token = app.email_to("ada@example.org").await.token();
    assert_eq!(own.redeem_link(&token).await.status, 200);
    app.clock.advance(Duration::from_mins(11));
    let before = app.emails().await.len();
    for path in ["/confirm", "/account?step=delete", "/account", "/sign-in?step=email", "/"] {
        own.get(path).await;
        own.get(path).await;
    }
    assert_eq!(app.emails().await.len(), before);
    let page = own.get("/confirm").await.text();
    assert!(page.contains("Email me a code"), "{page}");
    let answer = own.form("/account", &[("action", "recovery-codes")]).await;
    assert!(answer.header("location").starts_with("/confirm?continue="), "a form requests it: {}", answer.text());
}
