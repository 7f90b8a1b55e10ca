//! List 3: `form_post` and the other response modes.

use super::relying_party::{RelyingParty, change, provider, register};
use crate::app::{App, Backends, Browser};

async fn signed_in() -> (App, Browser, RelyingParty) {
    let app = provider(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let party = register(&app, "photos", change()).await;
    (app, browser, party)
}

#[tokio::test]
async fn responses_arrive_by_query_fragment_and_post() {
    let (app, mut browser, party) = signed_in().await;
    for mode in ["query", "fragment", "form_post"] {
        let more = [("response_mode", mode), ("state", "a \"<b>&'ü")];
        let client_redirect =
            party.authorize(&mut browser, &more).await.unwrap_or_else(|page| panic!("{}", page.text()));
        assert_eq!(client_redirect.mode, mode);
        party.finish(&app, &client_redirect, &more).await;
    }
}

#[tokio::test]
async fn errors_arrive_by_post_as_well() {
    let (app, _, party) = signed_in().await;
    let more = [("response_mode", "form_post"), ("prompt", "none")];
    let client_redirect =
        party.authorize(&mut app.browser(), &more).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!((client_redirect.mode, client_redirect.parameters["error"].as_str()), ("form_post", "login_required"));
    assert_eq!(client_redirect.parameters["iss"], app.origin);
}

#[tokio::test]
async fn only_the_form_post_page_may_submit_to_another_site() {
    let (_app, mut browser, party) = signed_in().await;
    let page = browser.get(&party.request(&[("response_mode", "form_post")])).await;
    let policy = page.header("content-security-policy");
    assert!(!policy.contains("form-action"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self' 'nonce-"), "{policy}");
    assert_eq!(page.header("referrer-policy"), "strict-origin");
    assert_eq!(page.header("cross-origin-opener-policy"), "unsafe-none");
    let other = browser.get("/account").await;
    assert!(other.header("content-security-policy").contains("form-action 'self'"));
    assert_eq!(other.header("cross-origin-opener-policy"), "same-origin");
}

#[tokio::test]
async fn pages_keep_their_opener_only_while_a_request_is_pending() {
    let (app, _, party) = signed_in().await;
    let mut stranger = app.browser();
    assert_eq!(stranger.get("/sign-in").await.header("cross-origin-opener-policy"), "same-origin");
    let page = party.authorize(&mut stranger, &[]).await.unwrap_err();
    assert_eq!(page.header("cross-origin-opener-policy"), "unsafe-none");
    assert_eq!(stranger.get("/sign-up").await.header("cross-origin-opener-policy"), "unsafe-none");
    let pending = stranger.cookies["latchkey_pending"].clone();
    let client_redirect =
        super::relying_party::follow(&mut stranger, &format!("/oauth/continue/{pending}?step=cancel")).await;
    assert_eq!(client_redirect.unwrap_or_else(|page| panic!("{}", page.text())).parameters["error"], "access_denied");
    assert_eq!(stranger.get("/sign-up").await.header("cross-origin-opener-policy"), "same-origin");
}
