//! Tests of remembered browsers and of notices that a page shows after a redirect.

use crate::app::{App, Backends};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_sign_in_page_greets_the_last_user_for_thirty_days() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        browser.post("/api/sign-out", json!({})).await;
        let page = browser.get("/sign-in").await.text();
        assert!(
            page.contains("Welcome back") && page.contains("<span>ada</span>") && page.contains("Use another account"),
            "{page}"
        );
        assert!(!app.browser().get("/sign-in").await.text().contains("Welcome back"));
        app.clock.advance(Duration::from_hours(30 * 24));
        assert!(!browser.get("/sign-in").await.text().contains("ada"));
    }
}

#[tokio::test]
async fn switching_users_also_forgets_the_browser_on_the_server() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        browser.post("/api/sign-out", json!({})).await;
        let mut copied = browser.clone();
        let answer = browser.clone().form("/sign-in", &[("action", "forget"), ("next", "/account?x=1")]).await;
        assert_eq!(answer.header("location"), "/sign-in?next=%2Faccount%3Fx%3D1");
        let answer = browser.form("/sign-in", &[("action", "forget")]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in"));
        assert!(!browser.cookies.contains_key("latchkey_known"));
        for browser in [&mut browser, &mut copied] {
            assert!(!browser.get("/sign-in").await.text().contains("ada"));
        }
    }
}

#[tokio::test]
async fn the_cookie_is_opaque_and_another_user_gets_a_new_one() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let ada = browser.sign_up("ada").await;
    let adas = browser.cookies["latchkey_known"].clone();
    assert_eq!(adas.len(), 43);
    let mut copied = browser.clone();
    browser.sign_in(&ada).await;
    assert_ne!(browser.cookies["latchkey_known"], adas, "each sign-in sets a new token");
    copied.cookies.retain(|name, _| name == "latchkey_known");
    assert!(!copied.get("/sign-in").await.text().contains("Welcome back"), "and voids the previous one");
    let adas = browser.cookies["latchkey_known"].clone();
    let eve = app.browser().sign_up("eve").await;
    browser.sign_in(&eve).await;
    let eves = browser.cookies["latchkey_known"].clone();
    assert_ne!(eves, adas);
    browser.post("/api/sign-out", json!({})).await;
    assert!(browser.get("/sign-in").await.text().contains("<span>eve</span>"));
    for forged in [adas.as_str(), "", "x", &"A".repeat(43), &eves.to_ascii_lowercase()] {
        browser.cookies.insert("latchkey_known".to_owned(), forged.to_owned());
        let page = browser.get("/sign-in").await;
        assert!(page.status == 200 && !page.text().contains("Welcome back"), "{forged}");
    }
}

#[tokio::test]
async fn a_token_that_the_server_did_not_issue_is_replaced() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let ada = app.browser().sign_up("ada").await;
        let mut planted = app.browser();
        let token = crate::authenticator::encode([7_u8; 32]);
        planted.cookies.insert("latchkey_known".to_owned(), token.clone());
        planted.sign_in(&ada).await;
        assert_ne!(planted.cookies["latchkey_known"], token);
        let mut planter = app.browser();
        planter.cookies.insert("latchkey_known".to_owned(), token);
        assert!(!planter.get("/sign-in").await.text().contains("Welcome back"));
    }
}

#[tokio::test]
async fn a_notice_is_shown_once_and_only_for_a_known_code() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    assert!(browser.get("/account").await.text().contains("Welcome! We've emailed you a link"));
    assert!(!browser.get("/account").await.text().contains("Welcome!"));
    let answer = browser.form("/sign-out", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"));
    let page = browser.get("/").await.text();
    assert!(page.contains("You're signed out.") && page.contains("role=\"status\""), "{page}");
    for words in ["You+won", "<b>x</b>", "code_wrong.77"] {
        browser.cookies.insert("latchkey_notice".to_owned(), words.to_owned());
        assert!(!browser.get("/").await.text().contains("role=\"status\""), "{words}");
    }
}
