//! Consent: when it is requested, what the page says, and that it applies only to the user who gave it.

use super::relying_party::{RelyingParty, change, client_redirect, follow, provider, register, user_of};
use crate::app::{App, Backends, Browser};
use latchkey::server::admin::ClientChange;
use latchkey::server::model::oauth::ConsentRule;

async fn with_consent_rule(backends: Backends, rule: ConsentRule) -> (App, Browser, RelyingParty) {
    let app = provider(backends).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let party = register(&app, "photos", ClientChange { consent: Some(rule), ..change() }).await;
    (app, browser, party)
}

/// The path of the pending request in a browser.
fn pending_path(browser: &Browser) -> String {
    format!("/oauth/continue/{}", browser.cookies["latchkey_pending"])
}

#[tokio::test]
async fn consent_is_requested_once_for_each_scope() {
    for backends in Backends::ALL {
        let (app, mut browser, party) = with_consent_rule(backends, ConsentRule::Once).await;
        let page = party.authorize(&mut browser, &[("scope", "openid email")]).await.unwrap_err();
        let text = page.text();
        for part in ["Allow App photos to sign you in?", "app.example", "Your email address", "Allow", "Cancel", "ada"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        let none =
            party.authorize(&mut browser, &[("prompt", "none")]).await.unwrap_or_else(|page| panic!("{}", page.text()));
        assert_eq!(none.parameters["error"], "consent_required");
        let fields = [("action", "allow"), ("user", &user_of(&page))];
        let answer = browser.form(&pending_path(&browser), &fields).await;
        assert_eq!(answer.status, 200, "our forms never lead to another site");
        party.finish(&app, &client_redirect(&answer).unwrap(), &[]).await;
        party.sign_in(&app, &mut browser, &[("scope", "openid"), ("prompt", "none")]).await;
        let page = party.authorize(&mut browser, &[("scope", "openid profile")]).await.unwrap_err();
        assert!(page.text().contains("Your name and username"));
        let page = party.authorize(&mut browser, &[("prompt", "consent")]).await.unwrap_err();
        assert!(page.text().contains("Allow App photos"), "consent is requested");
    }
}

#[tokio::test]
async fn a_code_is_invalid_once_consent_is_withdrawn() {
    for backends in Backends::ALL {
        let (app, mut browser, party) = with_consent_rule(backends, ConsentRule::Once).await;
        let page = party.authorize(&mut browser, &[("scope", "openid offline_access")]).await.unwrap_err();
        let answer = browser.form(&pending_path(&browser), &[("action", "allow"), ("user", &user_of(&page))]).await;
        let code = client_redirect(&answer).unwrap().parameters["code"].clone();
        let withdrawn = browser.form("/apps", &[("action", "withdraw"), ("application", "photos")]).await;
        assert_eq!(withdrawn.status, 303, "{}", withdrawn.text());
        let refused = party.redeem(&app, &code).await;
        assert_eq!((refused.status.as_u16(), refused.json()["error"].as_str().unwrap()), (400, "invalid_grant"));
    }
}

#[tokio::test]
async fn cancelling_returns_access_denied_and_consumes_the_request() {
    let (_app, mut browser, party) = with_consent_rule(Backends::Embedded, ConsentRule::Always).await;
    let page = party.authorize(&mut browser, &[]).await.unwrap_err();
    let address = pending_path(&browser);
    let answer = browser.form(&address, &[("action", "cancel"), ("user", &user_of(&page))]).await;
    let back = client_redirect(&answer).unwrap();
    assert_eq!((answer.status.as_u16(), back.parameters["error"].as_str()), (200, "access_denied"));
    assert_eq!(back.parameters["state"], "af0ifjsldkj");
    let again = browser.form(&address, &[("action", "allow"), ("user", &user_of(&page))]).await;
    assert_eq!((again.status.as_u16(), client_redirect(&again)), (401, None), "the request is consumed");
}

#[tokio::test]
async fn consent_of_one_user_does_not_apply_to_another() {
    let (_app, mut browser, party) = with_consent_rule(Backends::Embedded, ConsentRule::Always).await;
    let page = party.authorize(&mut browser, &[]).await.unwrap_err();
    let (address, ada) = (pending_path(&browser), user_of(&page));
    browser.sign_up("grace").await;
    let answer = browser.form(&address, &[("action", "allow"), ("user", &ada)]).await;
    assert_eq!((answer.status.as_u16(), client_redirect(&answer)), (303, None));
    let page = browser.get(&address).await;
    assert!(page.text().contains("grace") && page.text().contains("Allow App photos"), "{}", page.text());
    assert_ne!(user_of(&page), ada);
}

#[tokio::test]
async fn a_request_belongs_to_its_browser_and_survives_page_views_for_ten_minutes() {
    let (app, mut browser, party) = with_consent_rule(Backends::Embedded, ConsentRule::Always).await;
    let page = party.authorize(&mut browser, &[]).await.unwrap_err();
    let address = pending_path(&browser);
    for _ in 0..3 {
        assert_eq!(browser.get(&address).await.status, 200);
    }
    let mut other = app.browser();
    other.sign_up("grace").await;
    let stolen = follow(&mut other, &address).await.unwrap_err();
    assert_eq!(stolen.status, 401);
    assert!(stolen.text().contains("This sign-in has expired"));
    app.clock.shift_minutes(10);
    let answer = browser.form(&address, &[("action", "allow"), ("user", &user_of(&page))]).await;
    assert_eq!((answer.status.as_u16(), client_redirect(&answer)), (401, None));
}

#[tokio::test]
async fn select_account_prompts_and_another_account_signs_in_again() {
    let (app, mut browser, party) = with_consent_rule(Backends::Embedded, ConsentRule::Never).await;
    let page = party.authorize(&mut browser, &[("prompt", "select_account")]).await.unwrap_err();
    assert!(page.text().contains("Continue with this account"), "{}", page.text());
    let address = pending_path(&browser);
    let answer = browser.form(&address, &[("action", "choose"), ("user", &user_of(&page))]).await;
    let client_redirect =
        follow(&mut browser, answer.header("location")).await.unwrap_or_else(|page| panic!("{}", page.text()));
    party.finish(&app, &client_redirect, &[]).await;

    let page = party.authorize(&mut browser, &[("prompt", "select_account")]).await.unwrap_err();
    let address = pending_path(&browser);
    let answer = browser.form(&address, &[("action", "other"), ("user", &user_of(&page))]).await;
    assert!(
        answer.header("location").starts_with("/sign-in?next=%2Foauth%2Fcontinue%2F"),
        "{}",
        answer.header("location")
    );
    assert!(!browser.is_signed_in().await);
    browser.sign_up("grace").await;
    let address = pending_path(&browser);
    let client_redirect = follow(&mut browser, &address).await.unwrap_or_else(|page| panic!("{}", page.text()));
    assert_eq!(party.finish(&app, &client_redirect, &[]).await.claims.text("sub").map(str::len), Some(22));
}
