//! List 5: logout initiated by an application.

use super::relying_party::{RelyingParty, change, follow, post_form, provider, register, user_of};
use crate::app::{Answer, App, Backends, Browser};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::server::admin::ClientChange;
use std::time::Duration;

const BYE: &str = "https://app.example/bye";

struct Fixture {
    app: App,
    browser: Browser,
    party: RelyingParty,
    hint: String,
}

async fn fixture(backends: Backends) -> Fixture {
    let app = provider(backends).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let client = ClientChange { post_logout_redirect_uris: Some(vec![BYE.to_owned()]), ..change() };
    let party = register(&app, "photos", client).await;
    let hint = party.sign_in(&app, &mut browser, &[]).await.id_token;
    Fixture { app, browser, party, hint }
}

fn address(parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/oauth/logout?{query}")
}

/// The redirect to the application, or the confirmation page.
async fn request_logout(
    browser: &mut Browser,
    parameters: &[(&str, &str)],
) -> Result<super::relying_party::ClientRedirect, Answer> {
    follow(browser, &address(parameters)).await
}

/// Submits the confirmation page.
async fn confirm(browser: &mut Browser, page: &Answer) -> Answer {
    browser.form(&form_action(page), &[("action", "sign-out"), ("user", &user_of(page))]).await
}

/// The action of the form.
fn form_action(page: &Answer) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("action=\"/oauth/sign-out/").unwrap_or_else(|| panic!("{text}"));
    format!("/oauth/sign-out/{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    for backends in Backends::ALL {
        let Fixture { app: _app, mut browser, party, hint } = fixture(backends).await;
        let parameters = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s 1")];
        let first = browser.get(&address(&parameters)).await;
        assert!(!first.header("location").contains(&hint), "the URL no longer contains the token");
        let client_redirect =
            follow(&mut browser, first.header("location")).await.unwrap_or_else(|page| panic!("{}", page.text()));
        assert_eq!(client_redirect.uri, BYE);
        assert_eq!(
            client_redirect.parameters.into_iter().collect::<Vec<_>>(),
            [("state".to_owned(), "s 1".to_owned())]
        );
        let none =
            party.authorize(&mut browser, &[("prompt", "none")]).await.unwrap_or_else(|page| panic!("{}", page.text()));
        assert_eq!(none.parameters["error"], "login_required", "really signed out");
    }
}

#[tokio::test]
async fn oidcc_post_and_an_expired_hint_work_as_well() {
    let Fixture { app, mut browser, hint, .. } = fixture(Backends::Embedded).await;
    app.clock.shift_minutes(30);
    let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
    let answer = post_form(&app, "/oauth/logout", &[("origin", "https://app.example".to_owned())], &fields).await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (303, ""));
    let client_redirect =
        follow(&mut browser, answer.header("location")).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!((client_redirect.uri.as_str(), client_redirect.parameters.len()), (BYE, 0), "no state was sent");
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn oidcc_bad_and_changed_uris_lead_nowhere() {
    for uri in ["https://evil.example/", "https://app.example/bye?foo=bar", "https://app.example/bye/"] {
        let Fixture { app: _app, mut browser, hint, .. } = fixture(Backends::Embedded).await;
        let parameters = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", uri), ("state", "s")];
        let page = request_logout(&mut browser, &parameters).await.unwrap_err();
        assert!(page.text().contains("Sign out?") && browser.is_signed_in().await, "{uri}");
        let answer = confirm(&mut browser, &page).await;
        assert_eq!(answer.header("location"), "/", "{uri}");
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn oidcc_modified_and_foreign_hints_lead_nowhere() {
    let Fixture { app, mut browser, hint, .. } = fixture(Backends::Embedded).await;
    let mut parts = hint.split('.');
    let (header, claims, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let other = provider(Backends::Embedded).await;
    let mut theirs = other.browser();
    theirs.sign_up("ada").await;
    let foreign = register(&other, "photos", change()).await.sign_in(&other, &mut theirs, &[]).await.id_token;
    for hint in
        [format!("{none}.{claims}."), format!("{none}.{claims}.{signature}"), format!("{header}.{claims}.x"), foreign]
    {
        let parameters = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("client_id", "photos")];
        let page = request_logout(&mut browser, &parameters).await.unwrap_err();
        assert!(page.text().contains("Sign out?"), "{}", page.text());
        assert!(browser.is_signed_in().await);
    }
    assert!(app.browser().get("/").await.status.is_success());
}

#[tokio::test]
async fn oidcc_no_hint_requires_confirmation_before_a_registered_uri_is_followed() {
    let Fixture { app: _app, mut browser, .. } = fixture(Backends::Embedded).await;
    let page = request_logout(&mut browser, &[("post_logout_redirect_uri", BYE)]).await.unwrap_err();
    assert!(page.text().contains("Sign out?"), "no client is known: {}", page.text());
    let page =
        request_logout(&mut browser, &[("post_logout_redirect_uri", BYE), ("client_id", "photos"), ("state", "x")])
            .await;
    let page = page.unwrap_err();
    assert!(page.text().contains("App photos"), "{}", page.text());
    assert!(browser.is_signed_in().await);
    let answer = confirm(&mut browser, &page).await;
    assert_eq!(answer.status, 200, "our forms never lead to another site");
    let client_redirect = super::relying_party::client_redirect(&answer).unwrap();
    assert_eq!((client_redirect.uri.as_str(), client_redirect.parameters["state"].as_str()), (BYE, "x"));
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn oidcc_no_params_only_state_and_no_uri_end_on_our_page() {
    for parameters in [vec![], vec![("state", "x")]] {
        let Fixture { app: _app, mut browser, .. } = fixture(Backends::Embedded).await;
        let page = request_logout(&mut browser, &parameters).await.unwrap_err();
        let answer = confirm(&mut browser, &page).await;
        assert_eq!(answer.header("location"), "/");
        assert!(browser.get("/").await.text().contains("You're signed out."));
        let page = request_logout(&mut browser, &parameters).await.unwrap_err();
        assert!(page.text().contains("You're signed out."), "already: {}", page.text());
    }
    let Fixture { app: _app, mut browser, hint, .. } = fixture(Backends::Embedded).await;
    let page = request_logout(&mut browser, &[("id_token_hint", &hint)]).await.unwrap_err();
    assert!(page.text().contains("You're signed out."), "{}", page.text());
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn a_hint_of_another_session_requires_confirmation_and_one_of_an_ended_session_does_not() {
    let Fixture { app, mut browser, hint, party } = fixture(Backends::Embedded).await;
    let parameters = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
    let mut other = app.browser();
    other.sign_up("grace").await;
    let page = request_logout(&mut other, &parameters).await.unwrap_err();
    assert!(page.text().contains("Sign out?") && other.is_signed_in().await, "the session is in another browser");
    browser.form("/sign-out", &[]).await;
    let page = request_logout(&mut other, &parameters).await.unwrap_err();
    assert!(page.text().contains("Sign out?"), "another user is signed in here");
    let client_redirect =
        request_logout(&mut browser, &parameters).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(client_redirect.uri, BYE, "no one is signed in here");
    let passkey = app.browser().sign_up("linus").await;
    let mut linus = app.browser();
    linus.sign_in(&passkey).await;
    let hint = party.sign_in(&app, &mut linus, &[]).await.id_token;
    linus.form("/sign-out", &[]).await;
    linus.sign_in(&passkey).await;
    app.clock.advance(Duration::from_secs(1));
    let client_redirect =
        request_logout(&mut linus, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]).await;
    assert_eq!(client_redirect.unwrap_or_else(|page| panic!("{}", page.text())).uri, BYE, "the same user");
    assert!(!linus.is_signed_in().await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let app = App::start_with(Backends::Embedded, "https://id.example.org").await;
    app.add_signing_keys().await;
    let document = app.browser().get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["end_session_endpoint"], "https://id.example.org/oauth/logout");
}

#[tokio::test]
async fn a_confirmation_is_valid_once_for_the_user_who_saw_the_page() {
    let Fixture { app, mut browser, .. } = fixture(Backends::Embedded).await;
    let parameters = [("post_logout_redirect_uri", BYE), ("client_id", "photos")];
    let page = request_logout(&mut browser, &parameters).await.unwrap_err();
    let address = form_action(&page);
    for user in ["", "another"] {
        let answer = browser.form(&address, &[("action", "sign-out"), ("user", user)]).await;
        assert_eq!(answer.header("location"), address, "asked again");
        assert!(browser.is_signed_in().await, "the other user stays signed in");
    }
    assert_eq!(confirm(&mut browser, &page).await.status, 200);
    assert_eq!(confirm(&mut browser, &page).await.header("location"), "/", "it was already confirmed");
    drop(app);
}

#[tokio::test]
async fn a_hint_of_a_session_in_another_browser_requires_confirmation_even_without_a_session_here() {
    let Fixture { app, mut browser, hint, .. } = fixture(Backends::Embedded).await;
    let mut other = app.browser();
    let page = request_logout(&mut other, &[("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)]).await;
    let page = page.unwrap_err();
    assert!(page.text().contains("Continue to the application"), "{}", page.text());
    let answer = confirm(&mut other, &page).await;
    assert_eq!(super::relying_party::client_redirect(&answer).unwrap().uri, BYE);
    assert!(browser.is_signed_in().await);
}
