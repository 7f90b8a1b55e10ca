//! List 1: the basic certification profile, one test per row. Its requests do not use PKCE.

use super::relying_party::{
    ClientMethod, SignedIn, change, client_redirect, follow, oauth_error, provider, register, userinfo,
};
use crate::app::{App, Backends, Browser};
use crate::authenticator::SoftPasskey;
use axum::body::Body;
use axum::http::Request;
use std::time::Duration;

/// A provider, a signed-in user, and an application.
async fn signed_in() -> (App, Browser, SoftPasskey, super::relying_party::RelyingParty) {
    let app = provider(Backends::Embedded).await;
    let mut browser = app.browser();
    let passkey = browser.sign_up_verified(&app, "ada").await;
    let party = register(&app, "photos", change()).await;
    (app, browser, passkey, party)
}

/// The error that the application receives.
async fn error(browser: &mut Browser, address: &str) -> String {
    let client_redirect = follow(browser, address).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert!(!client_redirect.parameters.contains_key("code"), "{client_redirect:?}");
    assert_eq!(client_redirect.parameters["state"], "af0ifjsldkj");
    assert!(client_redirect.parameters.contains_key("iss"));
    let allowed = ["error", "error_description", "iss", "state"];
    assert!(client_redirect.parameters.keys().all(|name| allowed.contains(&name.as_str())), "{client_redirect:?}");
    client_redirect.parameters["error"].clone()
}

#[tokio::test]
async fn oidcc_server() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up(&format!("ada{}", rand_suffix())).await;
        let party = register(&app, "photos", change()).await;
        let signed_in = party.sign_in(&app, &mut browser, &[("nonce", "n-0S6_WzA2Mj")]).await;
        assert_eq!(signed_in.claims.text("acr"), Some("phr"));
        assert_eq!(signed_in.claims.get("amr").unwrap(), &serde_json::json!(["pop", "user", "mfa"]));
        // An application that requests no claims gets none.
        assert_eq!((signed_in.claims.get("name"), signed_in.claims.get("email")), (None, None));
        assert_eq!(signed_in.info.as_object().unwrap().len(), 1, "{}", signed_in.info);
    }
}

fn rand_suffix() -> u8 {
    crate::authenticator::random::<1>()[0]
}

#[tokio::test]
async fn oidcc_response_type_missing() {
    let (_app, mut browser, _, party) = signed_in().await;
    assert_eq!(error(&mut browser, &party.request(&[("response_type", "-")])).await, "invalid_request");
}

#[tokio::test]
async fn oidcc_idtoken_signature() {
    let (app, mut browser, _, party) = signed_in().await;
    // The signature, its key id and RS256 are checked in every flow.
    assert_eq!(party.algorithm.name(), "RS256");
    party.sign_in(&app, &mut browser, &[]).await;
}

#[tokio::test]
async fn oidcc_userinfo_get_and_post_with_header_and_body() {
    let (app, mut browser, _, party) = signed_in().await;
    let SignedIn { access_token, info, .. } = party.sign_in(&app, &mut browser, &[]).await;
    let bearer = format!("Bearer {access_token}");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request = Request::get("/oauth/userinfo").header("authorization", format!("{scheme} {access_token}"));
        assert_eq!(app.browser().send(request.body(Body::empty()).unwrap()).await.json(), info);
    }
    let request = Request::post("/oauth/userinfo").header("authorization", &bearer).body(Body::empty()).unwrap();
    assert_eq!(app.browser().send(request).await.json(), info, "POST with the header");
    let fields = [("access_token", access_token.as_str())];
    let answer = super::relying_party::post_form(&app, "/oauth/userinfo", &[], &fields).await;
    assert_eq!(answer.json(), info, "POST with the body");
    let both = super::relying_party::post_form(&app, "/oauth/userinfo", &[("authorization", bearer)], &fields).await;
    assert_eq!(oauth_error(&both), (400, "invalid_request".to_owned()));
    let none = app.browser().send(Request::get("/oauth/userinfo").body(Body::empty()).unwrap()).await;
    assert_eq!((none.status.as_u16(), none.header("www-authenticate")), (401, "Bearer"));
    let wrong = userinfo(&app, "unknown").await;
    assert_eq!(oauth_error(&wrong), (401, "invalid_token".to_owned()));
    assert!(wrong.header("www-authenticate").contains("error=\"invalid_token\""));
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let (app, mut browser, _, party) = signed_in().await;
    assert_eq!(party.sign_in(&app, &mut browser, &[]).await.claims.get("nonce"), None);
}

#[tokio::test]
async fn oidcc_scope_profile_email_address_phone_and_all() {
    let (app, mut browser, _, party) = signed_in().await;
    let members = |signed_in: &SignedIn| signed_in.info.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let profile = ["locale", "name", "nickname", "preferred_username", "sub", "updated_at"];
    for (scope, expected) in [
        ("openid profile", profile.as_slice()),
        ("openid email", &["email", "email_verified", "sub"]),
        ("openid address", &["sub"]),
        ("openid phone", &["sub"]),
        ("openid groups", &["groups", "sub"]),
    ] {
        let signed_in = party.sign_in(&app, &mut browser, &[("scope", scope)]).await;
        assert_eq!(members(&signed_in), expected, "{scope}");
        assert_eq!((signed_in.claims.get("name"), signed_in.claims.get("email")), (None, None), "only in userinfo");
    }
    let all = party.sign_in(&app, &mut browser, &[("scope", "openid profile email address phone")]).await;
    assert_eq!(
        (all.info["email"].as_str(), all.info["email_verified"].as_bool()),
        (Some("ada@example.org"), Some(true))
    );
    assert_eq!((all.info["preferred_username"].as_str(), all.info["locale"].as_str()), (Some("ada"), Some("en")));
}

#[tokio::test]
async fn oidcc_alternate_happy_flow() {
    let (app, mut browser, _, party) = signed_in().await;
    let address = party.request(&[("scope", "email profile openid email")]);
    let (path, query) = address.split_once('?').unwrap();
    let reversed: Vec<_> = query.split('&').rev().collect();
    let client_redirect =
        follow(&mut browser, &format!("{path}/?{}", reversed.join("&"))).await.unwrap_or_else(|_| panic!());
    let signed_in = party.finish(&app, &client_redirect, &[]).await;
    assert_eq!(signed_in.info["email"], "ada@example.org");
}

#[tokio::test]
async fn oidcc_display_ui_locales_claims_locales_and_unknown_parameters() {
    let (app, mut browser, _, party) = signed_in().await;
    for more in [
        ("display", "page"),
        ("display", "popup"),
        ("ui_locales", "se"),
        ("ui_locales", "de-AT en"),
        ("claims_locales", "se"),
        ("extra", "foobar"),
        ("login_hint", "ada@example.org"),
        ("acr_values", "1 2"),
        ("resource", "https://api.example"),
    ] {
        party.sign_in(&app, &mut browser, &[more]).await;
    }
}

#[tokio::test]
async fn oidcc_prompt_login() {
    let (app, mut browser, passkey, party) = signed_in().await;
    let first = party.sign_in(&app, &mut browser, &[]).await.claims.number("auth_time").unwrap();
    app.clock.advance(Duration::from_secs(3));
    for more in [("prompt", "login"), ("max_age", "0")] {
        let page = browser.get(&party.request(&[more])).await;
        let pending_path = page.header("location").to_owned();
        let page = browser.get(&pending_path).await;
        assert!(page.header("location").starts_with("/confirm?continue="), "{}", page.header("location"));
        let confirm = page.header("location").to_owned();
        let page = browser.get(&confirm).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("To continue to the application, confirm"), "{}", page.text());
        // The form that the page's script submits: too early, then after the passkey.
        assert_eq!(browser.form(&confirm, &[]).await.status, 403);
        app.clock.advance(Duration::from_secs(3));
        assert_eq!(browser.reauthenticate(&passkey).await.status, 200);
        let answer = browser.form(&confirm, &[]).await;
        let client_redirect =
            follow(&mut browser, answer.header("location")).await.unwrap_or_else(|page| panic!("{}", page.text()));
        let second = party.finish(&app, &client_redirect, &[]).await.claims.number("auth_time").unwrap();
        assert!(second > first, "{more:?}: {second} {first}");
    }
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    let (app, _, _, party) = signed_in().await;
    let mut stranger = app.browser();
    assert_eq!(error(&mut stranger, &party.request(&[("prompt", "none")])).await, "login_required");
    assert!(stranger.cookies.is_empty(), "a refused request sets no cookie: {:?}", stranger.cookies);
}

#[tokio::test]
async fn oidcc_prompt_none_logged_in() {
    let (app, mut browser, _, party) = signed_in().await;
    let first = party.sign_in(&app, &mut browser, &[]).await;
    app.clock.advance(Duration::from_secs(5));
    let second = party.sign_in(&app, &mut browser, &[("prompt", "none")]).await;
    for name in ["sub", "auth_time", "sid"] {
        assert_eq!(second.claims.get(name), first.claims.get(name), "{name}");
    }
}

#[tokio::test]
async fn oidcc_max_age_1() {
    let (app, mut browser, passkey, party) = signed_in().await;
    let first = party.sign_in(&app, &mut browser, &[]).await.claims.number("auth_time").unwrap();
    app.clock.advance(Duration::from_secs(3));
    let answer = browser.get(&party.request(&[("max_age", "1")])).await;
    let pending_path = answer.header("location").to_owned();
    assert!(pending_path.starts_with("/oauth/continue/"), "{pending_path}");
    assert_eq!(error(&mut browser, &party.request(&[("max_age", "1"), ("prompt", "none")])).await, "login_required");
    app.clock.advance(Duration::from_secs(1));
    browser.reauthenticate(&passkey).await;
    // The user is slow, but the authentication is later than the request.
    app.clock.advance(Duration::from_secs(5));
    let client_redirect = follow(&mut browser, &pending_path).await.unwrap_or_else(|page| panic!("{}", page.text()));
    let signed_in = party.finish(&app, &client_redirect, &[]).await;
    assert!(signed_in.claims.number("auth_time").unwrap() > first);
}

#[tokio::test]
async fn oidcc_max_age_10000() {
    let (app, mut browser, _, party) = signed_in().await;
    let first = party.sign_in(&app, &mut browser, &[]).await;
    app.clock.advance(Duration::from_secs(5));
    let second = party.sign_in(&app, &mut browser, &[("max_age", "10000")]).await;
    assert_eq!(second.claims.get("auth_time"), first.claims.get("auth_time"));
}

#[tokio::test]
async fn oidcc_id_token_hint() {
    let (app, mut browser, _, party) = signed_in().await;
    let hint = party.sign_in(&app, &mut browser, &[]).await.id_token;
    party.sign_in(&app, &mut browser, &[("prompt", "none"), ("id_token_hint", &hint)]).await;
    let mut other = app.browser();
    other.sign_up("grace").await;
    let more = [("prompt", "none"), ("id_token_hint", hint.as_str())];
    assert_eq!(error(&mut other, &party.request(&more)).await, "login_required", "the hint never selects another user");
    let page = party.authorize(&mut other, &[("id_token_hint", &hint)]).await.unwrap_err();
    assert!(page.text().contains("Use another account"), "{}", page.text());
    let wrong = [("id_token_hint", "e30.e30.e30")];
    assert_eq!(error(&mut browser, &party.request(&wrong)).await, "invalid_request");
}

#[tokio::test]
async fn oidcc_login_hint() {
    let (app, _, _, party) = signed_in().await;
    let mut stranger = app.browser();
    let page = party.authorize(&mut stranger, &[("login_hint", "ada@example.org")]).await.unwrap_err();
    assert!(page.text().contains("value=\"ada@example.org\""), "{}", page.text());
    assert!(page.text().contains("Sign in to App photos"), "{}", page.text());
}

#[tokio::test]
async fn oidcc_ensure_request_with_acr_values_succeeds() {
    let (app, mut browser, _, party) = signed_in().await;
    let signed_in = party.sign_in(&app, &mut browser, &[("acr_values", "phr")]).await;
    assert_eq!(signed_in.claims.text("acr"), Some("phr"));
}

#[tokio::test]
async fn oidcc_codereuse_at_once_and_after_30_seconds() {
    for backends in Backends::ALL {
        for wait in [0, 30] {
            let app = provider(backends).await;
            let mut browser = app.browser();
            browser.sign_up("ada").await;
            let party = register(&app, "photos", change()).await;
            let code = party.code(&mut browser, &[]).await;
            let access_token = party.redeem(&app, &code).await.json()["access_token"].as_str().unwrap().to_owned();
            let other = party.sign_in(&app, &mut browser, &[]).await;
            assert_eq!(userinfo(&app, &access_token).await.status, 200);
            app.clock.advance(Duration::from_secs(wait));
            assert_eq!(oauth_error(&party.redeem(&app, &code).await), (400, "invalid_grant".to_owned()));
            assert_eq!(userinfo(&app, &access_token).await.status, 401, "the tokens of that code are revoked");
            assert_eq!(userinfo(&app, &other.access_token).await.status, 200, "and no others");
        }
    }
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    let (_app, mut browser, _, party) = signed_in().await;
    let answer = browser.get(&party.request(&[("redirect_uri", "https://evil.example/cb")])).await;
    assert_eq!((answer.status.as_u16(), client_redirect(&answer)), (400, None));
    assert!(answer.text().contains("that isn&#x27;t registered for it") || answer.text().contains("isn't registered"));
}

#[tokio::test]
async fn oidcc_ensure_post_request_succeeds() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let party = register(&app, "photos", change()).await;
        let post_request = async |more: &[(&str, &str)]| {
            let address = party.request(more);
            // A form on another site: SameSite=Lax cookies are not sent with it.
            let request = Request::post("/oauth/authorize")
                .header("content-type", "application/x-www-form-urlencoded")
                .header("origin", "https://app.example")
                .header("sec-fetch-site", "cross-site")
                .body(Body::from(address.split_once('?').unwrap().1.to_owned()))
                .unwrap();
            let answer = app.browser().send(request).await;
            assert_eq!(answer.status, 303);
            answer
        };
        for (browser, expected) in [(&mut browser, None), (&mut app.browser(), Some("login_required"))] {
            let silent = post_request(&[("prompt", "none")]).await;
            let client_redirect =
                follow(browser, silent.header("location")).await.unwrap_or_else(|page| panic!("{}", page.text()));
            assert_eq!(client_redirect.parameters.get("error").map(String::as_str), expected);
            assert_eq!(client_redirect.parameters.contains_key("code"), expected.is_none());
        }
        let answer = post_request(&[("nonce", "n1")]).await;
        assert_eq!(answer.header("set-cookie"), "", "no cookie is read or set");
        let client_redirect =
            follow(&mut browser, answer.header("location")).await.unwrap_or_else(|page| panic!("{}", page.text()));
        party.finish(&app, &client_redirect, &[("nonce", "n1")]).await;
        let mut thief = app.browser();
        thief.sign_up("mallory").await;
        assert_eq!(follow(&mut thief, answer.header("location")).await.unwrap_err().status, 401, "already claimed");
    }
}

#[tokio::test]
async fn oidcc_server_client_secret_post() {
    let (app, mut browser, _, mut party) = signed_in().await;
    party.method = ClientMethod::Post;
    party.sign_in(&app, &mut browser, &[]).await;
}

#[tokio::test]
async fn oidcc_request_objects_are_rejected_as_unsupported() {
    let (_app, mut browser, _, party) = signed_in().await;
    let object = "eyJhbGciOiJub25lIn0.e30.";
    assert_eq!(error(&mut browser, &party.request(&[("request", object)])).await, "request_not_supported");
    let uri = "https://app.example/request.jwt";
    assert_eq!(error(&mut browser, &party.request(&[("request_uri", uri)])).await, "request_uri_not_supported");
}

#[tokio::test]
async fn oidcc_claims_essential() {
    let (app, mut browser, _, party) = signed_in().await;
    let claims = r#"{"userinfo":{"name":{"essential":true}},"id_token":{"email":null,"name":null}}"#;
    let more = [("scope", "openid profile"), ("claims", claims)];
    let signed_in = party.sign_in(&app, &mut browser, &more).await;
    assert_eq!((signed_in.info["name"].as_str(), signed_in.claims.text("name")), (Some("ada"), Some("ada")));
    assert_eq!(signed_in.claims.get("email"), None, "the scope was not granted");
}

#[tokio::test]
async fn oidcc_essential_acr() {
    let (app, mut browser, _, party) = signed_in().await;
    let acr_claim = |value: &str| format!(r#"{{"id_token":{{"acr":{{"essential":true,"values":["{value}"]}}}}}}"#);
    party.sign_in(&app, &mut browser, &[("claims", &acr_claim("phr"))]).await;
    let unmet = error(&mut browser, &party.request(&[("claims", &acr_claim("phrh"))])).await;
    assert_eq!(unmet, "unmet_authentication_requirements");
}

#[tokio::test]
async fn oidcc_refresh_token() {
    let (app, mut browser, _, party) = signed_in().await;
    let more = [("scope", "openid offline_access"), ("nonce", "n1")];
    let first = party.sign_in(&app, &mut browser, &more).await;
    let token = first.refresh_token.unwrap();
    assert!(token.len() >= 43 && token.bytes().all(|byte| byte.is_ascii_graphic()));
    app.clock.advance(Duration::from_secs(2));
    let answer = party.refresh(&app, &token).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"), "{}", answer.text());
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "Bearer");
    let second = super::relying_party::published_keys(&app).await;
    let known: Vec<_> = second.iter().map(|(id, key)| latchkey::server::jose::VerifyingKey { id, key }).collect();
    let claims = latchkey::server::jose::verify(tokens["id_token"].as_str().unwrap(), &["JWT"], &known).unwrap();
    for name in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(claims.get(name), first.claims.get(name), "{name}");
    }
    assert_eq!(claims.get("nonce"), None);
    assert!(claims.number("iat") > first.claims.number("iat"));
    let other = register(&app, "wiki", change()).await;
    assert_eq!(oauth_error(&other.refresh(&app, &token).await), (400, "invalid_grant".to_owned()));
    assert_eq!(userinfo(&app, tokens["access_token"].as_str().unwrap()).await.status, 200);
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    let (app, mut browser, _, mut party) = signed_in().await;
    party.uses_pkce = true;
    party.sign_in(&app, &mut browser, &[]).await;
}
