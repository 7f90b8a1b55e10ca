//! Client authentication, and the error response for each mistake.

use super::relying_party::{
    ClientMethod, RelyingParty, VERIFIER, change, oauth_error, post_form, provider, register, userinfo,
};
use crate::app::{App, Backends, Browser};
use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use latchkey::server::admin::{ApplicationChange, ClientChange, Refused};
use latchkey::server::model::ApplicationId;
use latchkey::server::model::oauth::ConsentRule;
use latchkey::types::DisplayName;
use std::time::Duration;

async fn signed_in(client: ClientChange) -> (App, Browser, RelyingParty) {
    let app = provider(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let party = register(&app, "photos", client).await;
    (app, browser, party)
}

fn refusal(code: &str) -> (u16, String) {
    (if code == "invalid_client" { 401 } else { 400 }, code.to_owned())
}

#[tokio::test]
async fn the_secret_must_be_correct_and_in_one_place() {
    let (app, mut browser, party) = signed_in(change()).await;
    let secret = party.secret.clone().unwrap();
    let basic = |text: String| vec![("authorization", format!("Basic {}", STANDARD.encode(text)))];
    let fields = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", "x")];
    for (headers, more, expected) in [
        (basic(format!("photos:{secret}x")), vec![], "invalid_client"),
        (basic(format!("wiki:{secret}")), vec![], "invalid_client"),
        (basic("photos".to_owned()), vec![], "invalid_client"),
        (vec![("authorization", "Basic ???".to_owned())], vec![], "invalid_client"),
        (vec![], vec![("client_id", "photos")], "invalid_client"),
        (vec![], vec![("client_id", "photos"), ("client_secret", "x")], "invalid_client"),
        (vec![], vec![], "invalid_client"),
        (basic(format!("photos:{secret}")), vec![("client_secret", secret.as_str())], "invalid_request"),
        (basic(format!("photos:{secret}")), vec![("client_assertion", "x")], "invalid_request"),
        (vec![], vec![("client_secret", secret.as_str()), ("client_assertion", "x")], "invalid_request"),
        (basic(format!("photos:{secret}")), vec![("client_id", "wiki")], "invalid_request"),
        (vec![], vec![("client_id", "photos"), ("client_id", "photos")], "invalid_request"),
        (basic(format!("photos:{secret}")), vec![("client_id", "photos")], "invalid_grant"),
    ] {
        let all: Vec<_> = fields.into_iter().chain(more).collect();
        let answer = post_form(&app, "/oauth/token", &headers, &all).await;
        assert_eq!(oauth_error(&answer), refusal(expected), "{headers:?} {all:?}");
        assert_eq!(answer.header("www-authenticate").starts_with("Basic"), expected == "invalid_client");
    }
    // Percent-encoded, as the specification requires.
    let code = party.code(&mut browser, &[]).await;
    let encoded = secret.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02X}"));
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &party.redirect_uri)];
    let answer = post_form(&app, "/oauth/token", &basic(format!("photos:{encoded}")), &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn several_secrets_are_valid_until_they_expire_or_are_removed() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let mut party = register(&app, "photos", change()).await;
        let id = ApplicationId::parse("photos").unwrap();
        let (stored, text) = app.state.clients().add_secret(&id, Some(Duration::from_mins(1))).await.unwrap();
        let first = party.clone();
        party.secret = Some(text.expose().clone());
        for party in [&first, &party] {
            party.sign_in(&app, &mut browser, &[]).await;
        }
        let secrets = app.state.clients().get(&id).await.unwrap().unwrap().secrets;
        assert_eq!(secrets.len(), 2);
        app.state.clients().remove_secret(&id, &first.secret.clone().unwrap()[..6]).await.unwrap();
        let code = party.code(&mut browser, &[]).await;
        assert_eq!(oauth_error(&first.redeem(&app, &code).await), refusal("invalid_client"));
        assert_eq!(party.redeem(&app, &code).await.status, 200, "a refused client does not consume a code");
        app.clock.advance(Duration::from_secs(61));
        assert_eq!(oauth_error(&party.redeem(&app, &code).await), refusal("invalid_client"));
        assert!(app.state.clients().remove_secret(&id, "nothere").await.is_err());
        assert_eq!(stored.prefix.len(), 6);
    }
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_redirect_uri_and_challenge_and_expires_after_a_minute() {
    let (app, mut browser, mut party) = signed_in(change()).await;
    let other = register(&app, "wiki", change()).await;
    let code = party.code(&mut browser, &[]).await;
    assert_eq!(oauth_error(&other.redeem(&app, &code).await), refusal("invalid_grant"));
    assert_eq!(party.redeem(&app, &code).await.status, 200, "another client does not consume it");

    let code = party.code(&mut browser, &[]).await;
    let elsewhere = RelyingParty { redirect_uri: "https://app.example/".to_owned(), ..party.clone() };
    assert_eq!(oauth_error(&elsewhere.redeem(&app, &code).await), refusal("invalid_grant"));

    let code = party.code(&mut browser, &[]).await;
    party.uses_pkce = true;
    assert_eq!(
        oauth_error(&party.redeem(&app, &code).await),
        refusal("invalid_grant"),
        "a verifier without a challenge"
    );
    let code = party.code(&mut browser, &[]).await;
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &party.redirect_uri)];
    assert_eq!(oauth_error(&party.post(&app, "/oauth/token", &fields).await), refusal("invalid_grant"));
    let code = party.code(&mut browser, &[]).await;
    let wrong = VERIFIER.replace('d', "e");
    let fields = [fields[0], ("code", &code), fields[2], ("code_verifier", &wrong)];
    assert_eq!(oauth_error(&party.post(&app, "/oauth/token", &fields).await), refusal("invalid_grant"));

    let code = party.code(&mut browser, &[]).await;
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(oauth_error(&party.redeem(&app, &code).await), refusal("invalid_grant"));
}

#[tokio::test]
async fn pkce_is_required_unless_the_application_opts_out() {
    let strict = ClientChange { requires_pkce: None, ..change() };
    let (app, mut browser, mut party) = signed_in(strict).await;
    party.sign_in(&app, &mut browser, &[]).await;
    party.uses_pkce = false;
    let client_redirect = party.authorize(&mut browser, &[]).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(client_redirect.parameters["error"], "invalid_request");
    let plain = [("code_challenge", "x"), ("code_challenge_method", "plain")];
    let client_redirect = party.authorize(&mut browser, &plain).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(client_redirect.parameters["error"], "invalid_request");
}

#[tokio::test]
async fn every_error_has_the_format_of_oauth() {
    let (app, _, _) = signed_in(change()).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let long = format!("grant_type={}", "x".repeat(70_000));
    for (method, path, headers, body, expected) in [
        (Method::POST, "/oauth/token", vec![("content-type", "application/json")], "{}", 415),
        (Method::POST, "/oauth/token", vec![form], long.as_str(), 413),
        (Method::GET, "/oauth/token", vec![], "", 405),
        (Method::PUT, "/oauth/authorize", vec![], "", 405),
        (Method::POST, "/oauth/authorize", vec![("content-type", "application/json")], "{}", 415),
        (Method::POST, "/oauth/authorize", vec![form], long.as_str(), 413),
        (Method::DELETE, "/oauth/logout", vec![], "", 405),
        (Method::POST, "/oauth/logout", vec![("content-type", "application/json")], "{}", 415),
        (Method::POST, "/oauth/logout", vec![form], long.as_str(), 413),
        (Method::POST, "/oauth/nothing", vec![form], "", 404),
        (Method::POST, "/oauth/token", vec![form, ("origin", "https://evil.example")], "client_id=x", 401),
        (Method::POST, "/oauth/token", vec![form, ("accept", "text/html")], "client_id=x", 401),
    ] {
        let answer = crate::http::send_request(&app, (method.clone(), path), &headers, body.to_owned()).await;
        assert_eq!(oauth_error(&answer).0, expected, "{method} {path} {headers:?}");
        assert_eq!(answer.header("allow").is_empty(), expected != 405, "{method} {path}");
    }
    // A browser gets a page.
    let html = [("accept", "text/html")];
    let page = crate::http::send_request(&app, (Method::PUT, "/oauth/authorize"), &html, "").await;
    assert!(page.text().contains("<h1>") && page.header("allow").contains("GET"), "{}", page.text());
    let two = [("authorization", "Basic x")];
    let answer = crate::http::send_request(&app, (Method::GET, "/oauth/userinfo"), &two, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (400, "Bearer error=\"invalid_request\""));
    for path in ["/oauth/token", "/oauth/userinfo", "/oauth/revoke"] {
        let answer = crate::http::send_request(&app, (Method::POST, path), &[form], "").await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
    for path in ["/oauth/authorize", "/oauth/introspect", "/oauth/continue/x"] {
        let answer = crate::http::send_request(&app, (Method::POST, path), &[form], "").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn tokens_are_introspected_and_revoked_by_their_own_application_only() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let party = register(&app, "photos", change()).await;
        let other = register(&app, "wiki", change()).await;
        let nameless = party.sign_in(&app, &mut browser, &[("scope", "openid")]).await.access_token;
        let tokens = party.sign_in(&app, &mut browser, &[("scope", "openid profile offline_access")]).await;
        let (access, refresh) = (tokens.access_token.as_str(), tokens.refresh_token.as_deref().unwrap());
        let introspect = async |party: &RelyingParty, token: &str| {
            let answer = party.post(&app, "/oauth/introspect", &[("token", token)]).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()
        };
        assert_eq!(introspect(&party, &nameless).await["username"], serde_json::Value::Null, "only with profile");
        let own = introspect(&party, access).await;
        assert_eq!((own["active"].as_bool(), own["client_id"].as_str()), (Some(true), Some("photos")));
        assert_eq!((own["username"].as_str(), own["sub"].as_str()), (Some("ada"), tokens.claims.text("sub")));
        assert_eq!(introspect(&party, refresh).await["active"], true);
        let inactive = serde_json::json!({ "active": false });
        for token in [access, refresh, "x", ""] {
            let answer = other.post(&app, "/oauth/introspect", &[("token", token)]).await;
            if token.is_empty() {
                assert_eq!(oauth_error(&answer), refusal("invalid_request"));
            } else {
                assert_eq!(answer.json(), inactive, "{token}");
            }
            assert!(other.post(&app, "/oauth/revoke", &[("token", token)]).await.status.as_u16() < 500);
        }
        assert_eq!(userinfo(&app, access).await.status, 200, "another application cannot revoke it");
        let answer = party.post(&app, "/oauth/revoke", &[("token", access)]).await;
        assert_eq!((answer.status.as_u16(), answer.body.len(), answer.header("content-type")), (200, 0, ""));
        assert_eq!(userinfo(&app, access).await.status, 401);
        let next = party.refresh(&app, refresh).await.json()["access_token"].as_str().unwrap().to_owned();
        party.post(&app, "/oauth/revoke", &[("token", refresh), ("token_type_hint", "access_token")]).await;
        assert_eq!(oauth_error(&party.refresh(&app, refresh).await), refusal("invalid_grant"));
        assert_eq!(userinfo(&app, &next).await.status, 401, "with a refresh token its grant ends");
    }
}

#[tokio::test]
async fn a_public_client_has_no_secret_and_cannot_introspect() {
    let public = ClientChange { is_public: Some(true), requires_pkce: None, ..change() };
    let (app, _, mut party) = signed_in(public).await;
    assert_eq!((party.secret.clone(), party.method), (None, ClientMethod::Public));
    assert_eq!(
        oauth_error(&party.post(&app, "/oauth/introspect", &[("token", "x")]).await),
        refusal("unauthorized_client")
    );
    party.method = ClientMethod::Post;
    party.secret = Some("made up".to_owned());
    assert_eq!(oauth_error(&party.redeem(&app, "x").await), refusal("invalid_client"));
    assert!(app.state.clients().add_secret(&ApplicationId::parse("photos").unwrap(), None).await.is_err());
}

#[tokio::test]
async fn without_openid_it_is_plain_oauth() {
    let (app, mut browser, party) = signed_in(change()).await;
    let code = party.code(&mut browser, &[("scope", "profile unknown")]).await;
    let tokens = party.redeem(&app, &code).await.json();
    assert_eq!((tokens.get("id_token"), tokens["scope"].as_str()), (None, Some("profile")));
    let answer = userinfo(&app, tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(oauth_error(&answer), (403, "insufficient_scope".to_owned()));
}

#[tokio::test]
async fn claim_rules_and_claims_in_the_id_token_follow_the_settings() {
    let app = provider(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let group = |name: &str| latchkey::server::model::GroupName::parse(name).unwrap();
    let ada = latchkey::types::Identifier::parse("ada").unwrap();
    let ada = app.store.account_by_identifier(&ada).await.unwrap().unwrap();
    for name in ["admins", "family"] {
        app.state.groups().put(&group(name), None, None).await.unwrap();
        app.state.groups().join(&ada, &group(name)).await.unwrap();
    }
    let rules = ["editors:role=editor", "admins:role=admin", "family:role=viewer", "family:plan=home"];
    let rules = rules.map(|rule| latchkey::server::model::oauth::ClaimRule::parse(rule).unwrap()).to_vec();
    let client = ClientChange { claim_rules: Some(rules), claims_in_id_token: Some(true), ..change() };
    let party = register(&app, "photos", client).await;
    let tokens = party.sign_in(&app, &mut browser, &[("scope", "openid groups profile")]).await;
    assert_eq!((tokens.info["role"].as_str(), tokens.info["plan"].as_str()), (Some("admin"), Some("home")));
    assert_eq!(tokens.info["groups"], serde_json::json!(["admins", "family"]));
    for name in ["role", "plan", "groups", "name"] {
        assert_eq!(tokens.claims.get(name), tokens.info.get(name), "{name}");
    }
}

#[tokio::test]
async fn a_client_that_becomes_public_follows_the_rules_for_public_clients() {
    let app = provider(Backends::Embedded).await;
    let id = ApplicationId::parse("photos").unwrap();
    let uris = |uri: &str| ClientChange { redirect_uris: Some(vec![uri.to_owned()]), ..ClientChange::default() };
    let edit = async |client| {
        app.state.applications().edit(&id, ApplicationChange { client, ..ApplicationChange::default() }).await
    };
    let plain = uris("http://app.example/cb");
    let photos = DisplayName::parse("Photos").unwrap();
    app.state
        .applications()
        .add(id.clone(), photos, ApplicationChange { client: plain, ..ApplicationChange::default() })
        .await
        .unwrap();
    let public = || ClientChange { is_public: Some(true), ..ClientChange::default() };
    assert!(matches!(edit(public()).await, Err(Refused::RedirectUriError(..))));
    let changed = edit(ClientChange { redirect_uris: uris("https://app.example/cb").redirect_uris, ..public() }).await;
    assert_eq!(changed.unwrap().client.unwrap().consent, ConsentRule::Once, "anyone can use its client id");
}
