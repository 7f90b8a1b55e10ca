//! Tests that several processes with one database and one Redis give the same answers.

use crate::app::{App, Backends, Browser};
use serde_json::json;

/// Returns the same browser, connected to another node.
fn at(browser: &Browser, node: &axum::Router) -> Browser {
    Browser { router: node.clone(), ..browser.clone() }
}

#[tokio::test]
async fn a_ceremony_that_starts_on_one_node_can_finish_on_the_other() {
    let app = App::start(Backends::Servers).await;
    let node = app.second_router().await;
    let mut own = app.browser();
    let options = own.start_sign_up("ada").await;
    let passkey = crate::authenticator::SoftPasskey::new(&options);
    let credential = passkey.registration(&options, &app.origin).json();
    let mut on_second_node = at(&own, &node);
    assert_eq!(on_second_node.post("/api/sign-up/finish", json!({ "credential": credential })).await.status, 200);
    assert!(at(&on_second_node, &app.router).is_signed_in().await);

    let options = on_second_node.start_sign_in().await;
    let credential = passkey.assertion(&options, &app.origin).json();
    let mut on_first_node = at(&on_second_node, &app.router);
    assert_eq!(on_first_node.post("/api/sign-in/finish", json!({ "credential": credential })).await.status, 200);
    let spent = at(&on_first_node, &node).post("/api/sign-in/finish", json!({ "credential": credential })).await;
    assert_eq!(spent.refusal().1, "ceremony_expired", "a ceremony is spent on all nodes");
}

#[tokio::test]
async fn a_session_revoked_on_one_node_is_invalid_on_the_other() {
    let app = App::start(Backends::Servers).await;
    let node = app.second_router().await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    let mut phone = app.browser();
    phone.sign_in(&passkey).await;
    let mut on_second_node = at(&phone, &node);
    assert!(on_second_node.is_signed_in().await);
    assert_eq!(own.post("/api/sessions/revoke", json!({ "others": true })).await.json(), json!({ "revoked": 1 }));
    assert!(!on_second_node.is_signed_in().await, "at its next request");
}

#[tokio::test]
async fn an_email_requested_on_one_node_can_be_answered_on_the_other() {
    let app = App::start(Backends::Servers).await;
    let node = app.second_router().await;
    app.browser().sign_up_verified(&app, "ada").await;
    let mut requester = app.browser();
    requester.request_sign_in_email("ada").await;
    let email = app.email_to("ada@example.org").await;
    assert_eq!(at(&requester, &node).redeem_code(&email.code()).await.status, 200);
    assert_eq!(at(&requester, &node).redeem_link(&email.token()).await.refusal().1, "link_expired");
}

#[tokio::test]
async fn limits_hold_across_nodes() {
    let app = App::start_with_settings(Backends::Servers, &[("RATE_LIMITS", "on")]).await;
    let node = app.second_router().await;
    for number in 0..31 {
        let browser = app.browser_at("192.0.2.77");
        let mut browser = if number % 2 == 0 { browser } else { at(&browser, &node) };
        let expected = if number < 30 { 200 } else { 429 };
        assert_eq!(browser.post("/api/sign-in/start", json!({})).await.status, expected, "{number}");
    }
}
