//! List 4: redirect URIs and algorithms, for applications that an administrator registers.

use super::relying_party::{
    CALLBACK, RelyingParty, change, client_redirect, follow, oauth_error, post_form, provider, redirect_path, register,
};
use crate::app::{App, Backends, Browser};
use latchkey::server::admin::{ApplicationChange, ClientChange, ClientRecord, Refused};
use latchkey::server::jose::Algorithm;
use latchkey::server::model::ApplicationId;
use latchkey::types::DisplayName;

async fn signed_in(client: ClientChange) -> (App, Browser, RelyingParty) {
    let app = provider(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let party = register(&app, "photos", client).await;
    (app, browser, party)
}

fn uris(uris: &[&str]) -> ClientChange {
    ClientChange { redirect_uris: Some(uris.iter().map(|uri| (*uri).to_owned()).collect()), ..change() }
}

#[tokio::test]
async fn oidcc_idtoken_has_the_registered_algorithm() {
    for algorithm in Algorithm::ALL {
        let (app, mut browser, party) = signed_in(ClientChange { algorithm: Some(algorithm), ..change() }).await;
        party.sign_in(&app, &mut browser, &[]).await;
    }
}

#[tokio::test]
async fn oidcc_ensure_redirect_uri_in_authorization_request() {
    for registered in [uris(&[CALLBACK, "https://app.example/other"]), change()] {
        let (_app, mut browser, party) = signed_in(registered).await;
        let answer = browser.get(&party.request(&[("redirect_uri", "-")])).await;
        assert_eq!((answer.status.as_u16(), client_redirect(&answer)), (400, None));
    }
}

#[tokio::test]
async fn oidcc_redirect_uri_query() {
    let (app, mut browser, party) = signed_in(uris(&["https://app.example/cb?foo=bar"])).await;
    let arrived_at = party.authorize(&mut browser, &[]).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(arrived_at.parameters["foo"], "bar");
    party.finish(&app, &arrived_at, &[]).await;
    for wrong in ["https://app.example/cb?foo=baz", "https://app.example/cb", "https://app.example/cb?foo=bar&x=1"] {
        let answer = browser.get(&party.request(&[("redirect_uri", wrong)])).await;
        assert_eq!((answer.status.as_u16(), client_redirect(&answer)), (400, None), "{wrong}");
    }
}

#[tokio::test]
async fn oidcc_redirect_uri_regfrag_and_others_that_cannot_be_registered() {
    let app = provider(Backends::Embedded).await;
    let wrong = [
        "https://app.example/#x",
        "https://*.example/",
        "javascript:alert(1)",
        // Browsers and parsers interpret these differently.
        "https:app.example/cb",
        "https:///app.example/cb",
        // The response would contain the parameter twice.
        "https://app.example/cb?a=b&code=x",
        "https://app.example/cb?%73tate=x",
    ];
    for (number, uri) in wrong.into_iter().enumerate() {
        let id = ApplicationId::parse(&format!("a{number}")).unwrap();
        let change = ApplicationChange { client: uris(&[uri]), ..ApplicationChange::default() };
        let refused = app.state.applications().add(id.clone(), DisplayName::parse("A").unwrap(), change).await;
        assert!(matches!(refused, Err(Refused::RedirectUriError(..))), "{uri}");
        assert_eq!(app.store.application(&id).await.unwrap(), None, "nothing is stored");
    }
}

/// A repeated `client_id` or `redirect_uri`, or an unknown client, never causes a redirect.
#[tokio::test]
async fn an_unverified_request_gets_a_page_with_a_reference_that_the_administrator_can_look_up() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let party = register(&app, "photos", change()).await;
        let good = party.request(&[]);
        for address in [
            party.request(&[("client_id", "unknown")]),
            party.request(&[("client_id", "-")]),
            format!("{good}&client_id=photos"),
            format!("{good}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback"),
        ] {
            let answer = browser.get(&address).await;
            assert_eq!((answer.status.as_u16(), client_redirect(&answer)), (400, None), "{address}");
        }
        let requested = "https://app.example/callback/?token=secret";
        let page = browser.get(&party.request(&[("redirect_uri", requested)])).await.text();
        let ClientRecord { client, mismatches, .. } =
            app.state.clients().get(&ApplicationId::parse("photos").unwrap()).await.unwrap().unwrap();
        assert_eq!(client.client_id, "photos");
        assert_eq!(mismatches.len(), 1);
        assert!(page.contains(&mismatches[0].reference), "{page}");
        assert_eq!(mismatches[0].uri, "https://app.example/callback/?token=…", "no query values are stored");
        for number in 0..30 {
            browser.get(&party.request(&[("redirect_uri", &format!("https://evil.example/{number}"))])).await;
        }
        let kept = app.store.mismatches(&ApplicationId::parse("photos").unwrap()).await.unwrap();
        assert_eq!(kept.len(), 20, "the newest are kept");
    }
}

#[tokio::test]
async fn the_port_of_a_loopback_uri_is_free_for_public_clients_only() {
    let native = ClientChange { is_public: Some(true), requires_pkce: None, ..uris(&["http://127.0.0.1/cb"]) };
    let (app, mut browser, mut party) = signed_in(native).await;
    party.redirect_uri = "http://127.0.0.1:51004/cb".to_owned();
    let page = party.authorize(&mut browser, &[]).await.unwrap_err();
    assert!(page.text().contains("Allow App photos to sign you in?"), "native clients need consent: {}", page.text());
    let confidential = register(&app, "wiki", uris(&["http://127.0.0.1/cb"])).await;
    let answer = browser.get(&confidential.request(&[("redirect_uri", "http://127.0.0.1:51004/cb")])).await;
    assert_eq!((answer.status.as_u16(), client_redirect(&answer)), (400, None));
}

#[tokio::test]
async fn oidcc_server_rotate_keys() {
    let (app, mut browser, party) = signed_in(change()).await;
    let before = party.sign_in(&app, &mut browser, &[]).await;
    app.state.signing_keys().rotate().await.unwrap();
    app.state.signing_keys().maintain().await.unwrap();
    assert_eq!(super::relying_party::published_keys(&app).await.len(), 6, "both new and old keys are published");
    app.clock.advance(std::time::Duration::from_hours(24));
    let mut again = app.browser();
    again.sign_up("grace").await;
    let after = party.sign_in(&app, &mut again, &[]).await;
    let kid = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(kid(&before.id_token), kid(&after.id_token), "the new key signs after 24 hours");
    let hinted = [("id_token_hint", before.id_token.as_str())];
    assert!(follow(&mut again, &party.request(&hinted)).await.is_err(), "the old key still verifies hints");
}

#[tokio::test]
async fn a_client_id_that_no_database_can_store_is_unknown_and_not_an_outage() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        let page = browser.get("/oauth/authorize?client_id=a%00b&redirect_uri=x&response_type=code").await;
        assert_eq!(page.status, 400, "{}", page.text());
        let fields = [("grant_type", "authorization_code"), ("client_id", "a\0b"), ("client_secret", "x")];
        assert_eq!(oauth_error(&post_form(&app, "/oauth/token", &[], &fields).await).1, "invalid_client");
        let kept = browser.get("/oauth/logout?client_id=%00").await;
        assert_ne!(browser.get(&redirect_path(&kept)).await.status, 503);
    }
}
