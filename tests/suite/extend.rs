//! A fork's own page, as docs/FORK.md shows it.

use crate::app::{App, Backends, Browser};
use crate::vault;
use std::time::Duration;

async fn app_with_vault() -> App {
    App::start(Backends::Embedded).await.with_routes(vault::routes())
}

async fn location(browser: &mut Browser, path: &str) -> (u16, String) {
    let answer = browser.get(path).await;
    (answer.status.as_u16(), answer.header("location").to_owned())
}

#[tokio::test]
async fn a_protected_page_sends_visitors_to_sign_in_and_back() {
    let app = app_with_vault().await;
    let mut browser = app.browser();
    assert_eq!(location(&mut browser, "/vault?x=1").await, (303, "/sign-in?next=%2Fvault%3Fx%3D1".to_owned()));
    browser.sign_up("ada").await;
    let page = browser.get("/vault").await;
    assert!(page.status == 200 && page.text().contains("Only ada sees this."), "{}", page.text());
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(location(&mut browser, "/sign-in?next=%2Fvault%3Fx%3D1").await.1, "/vault?x=1");
}

#[tokio::test]
async fn a_protected_page_requires_reauthentication_after_ten_minutes() {
    let app = app_with_vault().await;
    let mut browser = app.browser();
    let passkey = browser.sign_up("ada").await;
    app.clock.advance(Duration::from_mins(11));
    let confirm_page = "/confirm?next=%2Fvault".to_owned();
    assert_eq!(location(&mut browser, "/vault").await, (303, confirm_page.clone()));
    let page = browser.get(&confirm_page).await;
    assert!(page.status == 200 && page.text().contains("To open this page, confirm it's you."), "{}", page.text());
    assert_eq!(browser.form(&confirm_page, &[]).await.status, 403, "not before reauthentication");
    assert_eq!(browser.reauthenticate(&passkey).await.status, 200);
    let answer = browser.form(&confirm_page, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/vault"));
    assert_eq!(browser.get("/vault").await.status, 200);
    assert_eq!(location(&mut browser, &confirm_page).await, (303, "/vault".to_owned()), "the user is not asked twice");
    let elsewhere = browser.form("/confirm?next=//evil.example", &[]).await;
    assert_eq!(elsewhere.header("location"), "/account");
}

#[test]
fn the_fork_manual_shows_this_page() {
    let page = std::fs::read_to_string("tests/suite/vault.rs").unwrap().replace("latchkey::", "crate::");
    assert!(page.lines().count() < 30);
    assert!(std::fs::read_to_string("docs/FORK.md").unwrap().contains(&page), "docs/FORK.md shows different code");
}
