//! Signing in to an application: by passkey, sign-up or email, and with step-up if the policy requires it.

use super::relying_party::{RelyingParty, change, follow, provider, redirect_path, register, register_as, userinfo};
use crate::app::{App, Backends, Browser};
use latchkey::server::admin::{ApplicationChange, ClientChange, Setting};
use latchkey::server::model::application::{Audience, RequiredMethod};
use latchkey::server::model::{ApplicationId, GroupName};
use latchkey::types::Identifier;
use serde_json::json;
use std::time::Duration;

/// The path of the pending request in a browser.
fn pending_path(browser: &Browser) -> String {
    format!("/oauth/continue/{}", browser.cookies["latchkey_pending"])
}

async fn finish_pending(app: &App, browser: &mut Browser, party: &RelyingParty) -> super::relying_party::SignedIn {
    let address = pending_path(browser);
    let client_redirect = follow(browser, &address).await.unwrap_or_else(|page| panic!("{}", page.text()));
    party.finish(app, &client_redirect, &[]).await
}

#[tokio::test]
async fn a_passkey_a_new_account_and_an_email_lead_to_the_application() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let passkey = app.browser().sign_up_verified(&app, "ada").await;
        let party = register(&app, "photos", change()).await;

        let mut by_passkey = app.browser();
        let page = party.authorize(&mut by_passkey, &[]).await.unwrap_err();
        assert!(page.text().contains("Sign in to App photos"), "{}", page.text());
        assert_eq!(by_passkey.sign_in(&passkey).await.status, 200);
        assert_eq!(finish_pending(&app, &mut by_passkey, &party).await.claims.text("acr"), Some("phr"));

        let mut by_sign_up = app.browser();
        party.authorize(&mut by_sign_up, &[]).await.unwrap_err();
        let page = by_sign_up.get("/sign-up").await;
        assert!(page.text().contains("App photos"), "{}", page.text());
        by_sign_up.sign_up("grace").await;
        finish_pending(&app, &mut by_sign_up, &party).await;

        let mut by_email = app.browser();
        party.authorize(&mut by_email, &[]).await.unwrap_err();
        let next = pending_path(&by_email);
        by_email.form("/sign-in", &[("identifier", "ada"), ("next", &next)]).await;
        let code = app.email_to("ada@example.org").await.code();
        let answer = by_email.form("/sign-in", &[("action", "code"), ("code", &code)]).await;
        assert_eq!(redirect_path(&answer), next);
        let signed_in = finish_pending(&app, &mut by_email, &party).await;
        assert_eq!(signed_in.claims.get("acr"), None);
        assert_eq!(signed_in.claims.get("amr").unwrap(), &json!(["otp"]));
    }
}

#[tokio::test]
async fn signing_up_leads_back_to_the_application_by_passkey_and_by_email() {
    let app = provider(Backends::Embedded).await;
    let party = register(&app, "photos", change()).await;
    let mut browser = app.browser();
    party.authorize(&mut browser, &[("prompt", "create")]).await.unwrap_err();
    let next = pending_path(&browser);
    let fields = [("username", "ada"), ("email", "ada@example.org"), ("display_name", "Ada")];
    let answer = browser.form("/sign-up", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let email = app.email_to("ada@example.org").await;
    let answer = browser.redeem_link(&email.token()).await;
    assert_eq!(answer.json()["next"], next.as_str());
    finish_pending(&app, &mut browser, &party).await;
}

#[tokio::test]
async fn every_way_back_to_sign_in_keeps_the_application() {
    let app = provider(Backends::Embedded).await;
    app.browser().sign_up_verified(&app, "ada").await;
    let party = register(&app, "photos", change()).await;
    let mut browser = app.browser();
    party.authorize(&mut browser, &[]).await.unwrap_err();
    let next = pending_path(&browser);
    let back = format!("/sign-in?next={}", next.replace('/', "%2F"));
    // No email was requested, or it is no longer valid.
    assert_eq!(browser.get("/sign-in?step=code").await.header("location"), back);
    assert_eq!(browser.get("/sign-in?step=change").await.header("location"), back);
    assert_eq!(browser.form("/sign-in", &[("action", "resend")]).await.header("location"), back);
    assert_eq!(browser.form("/email/link", &[("token", "used")]).await.header("location"), back);
    let link = format!("href=\"{back}\">Sign in another way</a>");
    assert!(browser.get("/sign-in?step=recovery").await.text().contains(&link));
    browser.form("/sign-in", &[("identifier", "ada"), ("next", &next)]).await;
    assert!(browser.get("/sign-in?step=code").await.text().contains(&link));
    assert!(browser.get(&back).await.text().contains("App photos"));
}

#[tokio::test]
async fn an_email_session_steps_up_to_a_passkey_if_the_policy_requires_one() {
    let app = provider(Backends::Embedded).await;
    let passkey = app.browser().sign_up_verified(&app, "ada").await;
    let strict =
        ApplicationChange { who: Audience::parse("everybody"), client: change(), ..ApplicationChange::default() };
    let party = register_as(&app, "vault", strict).await;
    let mut browser = app.browser();
    browser.sign_in_by_email(&app, "ada").await;
    let none =
        party.authorize(&mut browser, &[("prompt", "none")]).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(none.parameters["error"], "login_required");
    let answer = browser.get(&party.request(&[])).await;
    let pending_path = answer.header("location").to_owned();
    let confirm = browser.get(&pending_path).await.header("location").to_owned();
    let page = browser.get(&confirm).await;
    assert!(page.text().contains("To continue to the application, use your passkey."), "{}", page.text());
    // Cancelling leads back to the application.
    let cancelled = follow(&mut browser, &format!("{pending_path}?step=cancel"))
        .await
        .unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(cancelled.parameters["error"], "access_denied");

    let pending_path = browser.get(&party.request(&[])).await.header("location").to_owned();
    let confirm = browser.get(&pending_path).await.header("location").to_owned();
    assert_eq!(browser.reauthenticate(&passkey).await.status, 200);
    let answer = browser.form(&confirm, &[]).await;
    assert_eq!(redirect_path(&answer), pending_path);
    let client_redirect = follow(&mut browser, &pending_path).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(party.finish(&app, &client_redirect, &[]).await.claims.text("acr"), Some("phr"));
}

#[tokio::test]
async fn acr_values_request_a_passkey_but_do_not_stop_a_user_without_one() {
    let app = provider(Backends::Embedded).await;
    let party = register(&app, "photos", change()).await;
    let mut browser = app.browser();
    browser.form("/sign-up", &[("username", "ada"), ("email", "ada@example.org"), ("display_name", "")]).await;
    let token = app.email_to("ada@example.org").await.token();
    assert_eq!(browser.redeem_link(&token).await.status, 200);
    let signed_in = party.sign_in(&app, &mut browser, &[("acr_values", "phr")]).await;
    assert_eq!(signed_in.claims.get("acr"), None);
    let claims = r#"{"id_token":{"acr":{"essential":true,"value":"phr"}}}"#;
    let client_redirect =
        party.authorize(&mut browser, &[("claims", claims)]).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(client_redirect.parameters["error"], "unmet_authentication_requirements");
    let passkey = app.browser().sign_up_verified(&app, "grace").await;
    let mut other = app.browser();
    other.sign_in_by_email(&app, "grace").await;
    for more in [("acr_values", "phr"), ("claims", claims)] {
        let pending_path = other.get(&party.request(&[more])).await.header("location").to_owned();
        assert!(other.get(&pending_path).await.header("location").starts_with("/confirm?continue="), "{more:?}");
    }
    other.reauthenticate(&passkey).await;
    assert_eq!(party.sign_in(&app, &mut other, &[("acr_values", "phr")]).await.claims.text("acr"), Some("phr"));
}

#[tokio::test]
async fn a_user_without_access_sees_the_reason_and_can_return() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let closed = ApplicationChange { client: change(), ..ApplicationChange::default() };
        let party = register_as(&app, "vault", closed).await;
        let page = party.authorize(&mut browser, &[]).await.unwrap_err();
        assert_eq!(page.status, 403);
        assert!(page.text().contains("No access to App vault"), "{}", page.text());
        let none =
            party.authorize(&mut browser, &[("prompt", "none")]).await.unwrap_or_else(|page| panic!("{}", page.text()));
        assert_eq!(none.parameters["error"], "access_denied");
        let address = pending_path(&browser);
        let answer = browser.form(&address, &[("action", "cancel")]).await;
        let back = super::relying_party::client_redirect(&answer).unwrap();
        assert_eq!((answer.status.as_u16(), back.parameters["error"].as_str()), (200, "access_denied"));
    }
}

#[tokio::test]
async fn leaving_the_group_disabling_and_signing_out_end_tokens_at_the_next_request() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let family = GroupName::parse("family").unwrap();
        app.state.groups().put(&family, None, None).await.unwrap();
        let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        app.state.groups().join(&ada, &family).await.unwrap();
        let open =
            ApplicationChange { who: Audience::parse("family"), client: change(), ..ApplicationChange::default() };
        let party = register_as(&app, "photos", open).await;
        let tokens = party.sign_in(&app, &mut browser, &[("scope", "openid offline_access")]).await;
        let bound = party.sign_in(&app, &mut browser, &[]).await;
        assert_eq!(bound.refresh_token, None, "only with offline_access");
        let refresh = tokens.refresh_token.unwrap();

        app.state.groups().leave(&ada, &family).await.unwrap();
        assert_eq!(userinfo(&app, &tokens.access_token).await.status, 401);
        assert_eq!(party.refresh(&app, &refresh).await.status, 400);
        app.state.groups().join(&ada, &family).await.unwrap();
        assert_eq!(userinfo(&app, &tokens.access_token).await.status, 401, "an ended grant does not come back");
        assert_eq!(party.refresh(&app, &refresh).await.status, 400);
        let tokens = party.sign_in(&app, &mut browser, &[("scope", "openid offline_access")]).await;
        let bound = party.sign_in(&app, &mut browser, &[]).await;

        app.state.administration().set_disabled(ada.id, true).await.unwrap();
        assert_eq!(userinfo(&app, &tokens.access_token).await.status, 401);
        app.state.administration().set_disabled(ada.id, false).await.unwrap();
        // Disabling ended the session and the grants bound to it.
        assert_eq!(userinfo(&app, &bound.access_token).await.status, 401);
    }
}

#[tokio::test]
async fn a_grant_ends_with_its_session_and_one_with_offline_access_outlives_it() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        let passkey = browser.sign_up("ada").await;
        let party = register(&app, "photos", ClientChange { refreshes: Some(true), ..change() }).await;
        let bound = party.sign_in(&app, &mut browser, &[]).await;
        let offline = party.sign_in(&app, &mut browser, &[("scope", "openid offline_access")]).await;
        let late = party.code(&mut browser, &[]).await;
        browser.form("/sign-out", &[]).await;
        assert_eq!(userinfo(&app, &bound.access_token).await.status, 401);
        assert_eq!(party.refresh(&app, &bound.refresh_token.unwrap()).await.status, 400);
        assert_eq!(userinfo(&app, &offline.access_token).await.status, 200);
        assert_eq!(party.refresh(&app, &offline.refresh_token.unwrap()).await.status, 200);
        assert_eq!(party.redeem(&app, &late).await.status, 400, "a code of an ended session");

        browser.sign_in(&passkey).await;
        let idle = party.sign_in(&app, &mut browser, &[]).await;
        app.clock.advance(Duration::from_hours(30 * 24));
        assert_eq!(party.refresh(&app, &idle.refresh_token.unwrap()).await.status, 400, "the session has expired");
    }
}

#[tokio::test]
async fn each_application_has_its_own_stable_id_for_a_session() {
    let app = provider(Backends::Embedded).await;
    let mut browser = app.browser();
    let passkey = browser.sign_up("ada").await;
    let (photos, wiki) = (register(&app, "photos", change()).await, register(&app, "wiki", change()).await);
    let sid = async |browser: &mut Browser, party: &RelyingParty| {
        party.sign_in(&app, browser, &[]).await.claims.text("sid").unwrap().to_owned()
    };
    let first = sid(&mut browser, &photos).await;
    assert_ne!(sid(&mut browser, &wiki).await, first);
    browser.reauthenticate(&passkey).await;
    assert_eq!(sid(&mut browser, &photos).await, first);
    let mut other = app.browser();
    other.sign_in(&passkey).await;
    assert_ne!(sid(&mut other, &photos).await, first);
}

#[tokio::test]
async fn removing_an_application_ends_all_its_access() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let party = register(&app, "photos", change()).await;
        let tokens = party.sign_in(&app, &mut browser, &[("scope", "openid offline_access")]).await;
        app.state.applications().remove(&ApplicationId::parse("photos").unwrap()).await.unwrap();
        assert_eq!(userinfo(&app, &tokens.access_token).await.status, 401);
        assert_eq!(party.refresh(&app, &tokens.refresh_token.unwrap()).await.status, 401);
        assert_eq!(browser.get(&party.request(&[])).await.status, 400);
    }
}

#[tokio::test]
async fn an_application_with_a_maximum_age_requires_reauthentication() {
    let app = provider(Backends::Embedded).await;
    let mut browser = app.browser();
    let passkey = browser.sign_up("ada").await;
    let open = ApplicationChange {
        who: Audience::parse("everybody"),
        method: Some(RequiredMethod::Passkey),
        max_age: Setting::Set(Duration::from_mins(5)),
        client: change(),
        ..ApplicationChange::default()
    };
    let party = register_as(&app, "vault", open).await;
    let tokens = party.sign_in(&app, &mut browser, &[("scope", "openid offline_access")]).await;
    app.clock.shift_minutes(6);
    let page = party.authorize(&mut browser, &[]).await.unwrap_err();
    assert!(page.text().contains("To continue to the application, confirm"), "{}", page.text());
    assert_eq!(userinfo(&app, &tokens.access_token).await.status, 200, "the age applies to new requests only");
    assert_eq!(party.refresh(&app, &tokens.refresh_token.unwrap()).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    browser.reauthenticate(&passkey).await;
    finish_pending(&app, &mut browser, &party).await;
}

#[tokio::test]
async fn only_the_user_named_in_claims_gets_tokens() {
    let app = provider(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let party = register(&app, "photos", change()).await;
    let ada = party.sign_in(&app, &mut browser, &[]).await.claims.text("sub").unwrap().to_owned();
    let sub_claim = |sub: &str| format!(r#"{{"id_token":{{"sub":{{"value":"{sub}"}}}}}}"#);
    party.sign_in(&app, &mut browser, &[("claims", &sub_claim(&ada)), ("prompt", "none")]).await;
    let other = sub_claim("another");
    let silent = party.authorize(&mut browser, &[("claims", &other), ("prompt", "none")]).await;
    assert_eq!(silent.unwrap_or_else(|page| panic!("{}", page.text())).parameters["error"], "login_required");
    let page = party.authorize(&mut browser, &[("claims", &other)]).await.unwrap_err();
    assert!(page.text().contains("Use another account"), "{}", page.text());
    assert!(!page.text().contains("Continue with this account"), "it would lead back here");
}

#[tokio::test]
async fn a_passkey_on_probation_requires_an_older_one_without_a_loop() {
    let app = provider(Backends::Embedded).await;
    let older = app.browser().sign_up_verified(&app, "ada").await;
    let mut by_email = app.browser();
    by_email.sign_in_by_email(&app, "ada").await;
    let (new, _) = by_email.add_passkey().await;
    let strict =
        ApplicationChange { who: Audience::parse("everybody"), client: change(), ..ApplicationChange::default() };
    let party = register_as(&app, "vault", strict).await;
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&new).await.status, 200);
    let pending_path = browser.get(&party.request(&[])).await.header("location").to_owned();
    let confirm = browser.get(&pending_path).await.header("location").to_owned();
    assert!(browser.get(&confirm).await.text().contains("Use an older passkey"), "the page says which passkey to use");
    assert_eq!(browser.reauthenticate(&new).await.status, 200);
    assert_eq!(browser.form(&confirm, &[]).await.header("location"), "", "no redirect");
    assert_eq!(browser.reauthenticate(&older).await.status, 200);
    assert_eq!(redirect_path(&browser.form(&confirm, &[]).await), pending_path);
    finish_pending(&app, &mut browser, &party).await;
}
