//! Tests of the account page's forms, which work without JavaScript unless they need a passkey.

use crate::app::{App, Backends, Browser, Parts};
use serde_json::json;
use std::time::Duration;

async fn submit(browser: &mut Browser, fields: &[(&str, &str)]) -> crate::app::Answer {
    browser.form("/account", fields).await
}

/// The start of the URL that shows new recovery codes.
const CODES: &str = "/account/recovery-codes?continue=";

async fn account(browser: &mut Browser) -> String {
    browser.get("/account").await.text()
}

#[tokio::test]
async fn names_and_recovery_codes_work_with_plain_forms() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    assert_eq!(submit(&mut own, &[("action", "name"), ("name", "Ada Lovelace")]).await.status, 303);
    assert_eq!(submit(&mut own, &[("action", "username"), ("name", "lovelace")]).await.status, 303);
    let page = account(&mut own).await;
    assert!(page.contains("Hello, Ada Lovelace") && page.contains(">lovelace<"), "{page}");
    let answer = submit(&mut own, &[("action", "username"), ("name", "again")]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("once every 30 days") && answer.text().contains("value=\"again\""));

    let redirect = submit(&mut own, &[("action", "recovery-codes")]).await;
    let codes_url = redirect.header("location").to_owned();
    assert!(redirect.status == 303 && codes_url.starts_with(CODES), "{}", redirect.status);
    assert_eq!(app.browser().get(&codes_url).await.status, 303, "not visible to other browsers");
    let codes = own.get(&codes_url).await;
    assert_eq!(codes.status, 200);
    assert_eq!(own.get(&codes_url).await.header("location"), "/account/recovery-codes");
    let again = own.get("/account/recovery-codes").await;
    assert!(again.text().contains("Recovery codes are shown only once."), "{}", again.text());
    assert!(again.text().contains("You have 10 codes left."), "a reload creates no new codes: {}", again.text());
    assert!(!again.text().contains("<textarea"), "a reload shows no codes");
    assert!(!codes.text().contains("/language"), "no language links, since a reload hides the codes");
    assert_eq!(codes.header("cache-control"), "no-store");
    let text = codes.text();
    let area = text.split("<textarea").nth(1).unwrap().split_once('>').unwrap().1;
    let code = area.trim_start().lines().next().unwrap();
    assert!(account(&mut own).await.contains("You have 10 codes left."));

    let mut browser = app.browser();
    assert_eq!(browser.get("/sign-in?step=recovery").await.status, 200);
    let wrong = [("action", "recovery"), ("identifier", "lovelace"), ("code", "nonsense")];
    let answer = browser.form("/sign-in", &wrong).await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("value=\"lovelace\"") && answer.text().contains("This code is wrong"));
    let right = [("action", "recovery"), ("identifier", "lovelace"), ("code", code)];
    assert_eq!(browser.form("/sign-in", &right).await.header("location"), "/account");
    assert!(account(&mut browser).await.contains("Create a passkey on this device"));
}

/// Submits a form that needs a recent authentication; returns the URL of the confirmation page.
async fn submit_unconfirmed(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let answer = submit(browser, fields).await;
    let address = answer.header("location").to_owned();
    assert!(answer.status == 303 && address.starts_with("/confirm?continue="), "{} {address}", answer.status);
    address
}

#[tokio::test]
async fn a_form_that_needs_a_passkey_is_stored_until_the_user_confirms() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        app.clock.advance(Duration::from_secs(601));
        let address = submit_unconfirmed(&mut own, &[("action", "address"), ("email", "typed@example.org")]).await;
        assert!(!address.contains("typed"), "the URL does not contain the input");
        let page = own.get(&address).await;
        assert!(page.status == 200 && page.text().contains("Confirm with a passkey"), "{}", page.text());
        assert!(
            page.text().contains("typed@example.org")
                && page.text().contains("To change your email address, confirm it's you.")
        );
        assert_eq!(own.form(&address, &[]).await.status, 403, "refused before reauthentication");

        let mut other = app.browser();
        other.sign_up("bob").await;
        for answer in [other.get(&address).await, other.form(&address, &[]).await] {
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account"), "another user's");
        }
        assert_eq!(own.reauthenticate(&passkey).await.status, 200);
        let page = own.get(&address).await.text();
        assert!(page.contains("Identity confirmed."), "viewing the page does nothing: {page}");
        assert_eq!(own.form(&address, &[]).await.header("location"), "/account/profile");
        app.email_about("typed@example.org", "Confirm your email address for Latchkey").await;
        assert_eq!(own.form(&address, &[]).await.header("location"), "/account");
        assert!(account(&mut own).await.contains("This request has expired"), "the form runs once");
    }
}

#[tokio::test]
async fn a_stored_form_expires_after_fifteen_minutes_and_is_limited_in_size() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    app.clock.advance(Duration::from_secs(601));
    let address = submit_unconfirmed(&mut own, &[("action", "recovery-codes")]).await;
    app.clock.advance(Duration::from_mins(15));
    own.reauthenticate(&passkey).await;
    for answer in [own.get(&address).await, own.form(&address, &[]).await, own.get("/confirm?continue=x").await] {
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account"));
    }
    app.clock.advance(Duration::from_secs(601));
    let long = "x".repeat(3_000);
    for fields in [[("action", "delete"), ("name", &*long)], [("action", "address"), ("email", &*long)]] {
        assert!(submit(&mut own, &fields).await.status.is_client_error(), "{fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stored_form_runs_once_however_often_it_is_resumed() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        app.clock.advance(Duration::from_secs(601));
        let address = submit_unconfirmed(&mut own, &[("action", "recovery-codes")]).await;
        own.reauthenticate(&passkey).await;
        let tabs = (0..8).map(|_| {
            let (mut tab, address) = (own.clone(), address.clone());
            tokio::spawn(async move { tab.form(&address, &[]).await.header("location").to_owned() })
        });
        let mut done = 0;
        for tab in tabs.collect::<Vec<_>>() {
            done += usize::from(tab.await.unwrap().starts_with(CODES));
        }
        assert_eq!(done, 1, "{backends:?}");
    }
}

#[tokio::test]
async fn without_a_passkey_an_emailed_code_confirms_the_form() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.post("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })).await;
        let token = app.email_to("ada@example.org").await.token();
        own.redeem_link(&token).await;
        app.clock.advance(Duration::from_secs(601));
        let address = submit_unconfirmed(&mut own, &[("action", "address"), ("email", "new@example.org")]).await;
        let page = own.get(&address).await.text();
        assert!(page.contains("We've emailed you a link and a code") && page.contains("new@example.org"), "{page}");
        let email = app.email_about("ada@example.org", "Confirm it's you").await;
        let page = own.get(&format!("/email/link?token={}", email.token())).await;
        assert!(page.status == 200 && page.text().contains("Confirm it's you"));
        let wrong = own.form(&address, &[("code", &email.wrong_code())]).await;
        assert_eq!(wrong.status, 401);
        assert!(wrong.text().contains("This code is wrong") && wrong.text().contains("new@example.org"));
        let right = own.form(&address, &[("code", &email.code())]).await;
        assert_eq!((right.status.as_u16(), right.header("location")), (303, "/account/profile"), "{}", right.text());
        app.email_about("new@example.org", "Confirm your email address for Latchkey").await;

        app.clock.advance(Duration::from_secs(601));
        let address = submit_unconfirmed(&mut own, &[("action", "recovery-codes")]).await;
        let email = app.email_about("ada@example.org", "Confirm it's you").await;
        let form = [("action", "reauthenticate"), ("token", &email.token())];
        assert_eq!(own.form("/email/link", &form).await.header("location"), address, "the link leads back");
        assert!(own.get(&address).await.text().contains("Identity confirmed."));
        assert!(own.form(&address, &[]).await.header("location").starts_with(CODES));
    }
}

#[tokio::test]
async fn the_session_survives_if_the_form_is_refused_after_the_code() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.post("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })).await;
        own.redeem_link(&app.email_to("ada@example.org").await.token()).await;
        assert_eq!(own.post("/api/recovery/codes", json!({})).await.status, 200);
        let email = app.email_about("ada@example.org", "New recovery codes were created").await;
        let report = json!({ "token": email.token_for("/not-me") });
        assert_eq!(app.browser().post("/api/account/not-me", report).await.status, 200);

        own.sign_in_by_email(&app, "ada").await;
        app.clock.advance(Duration::from_secs(601));
        let address = submit_unconfirmed(&mut own, &[("action", "recovery-codes")]).await;
        let email = app.email_about("ada@example.org", "Confirm it's you").await;
        let refused = own.form(&address, &[("code", &email.code())]).await;
        assert_eq!(refused.status, 403, "the account is in lockdown: {}", refused.text());
        assert!(own.is_signed_in().await, "{backends:?}: the code renewed the session");
    }
}

#[tokio::test]
async fn a_signed_out_user_signs_in_first_and_returns_to_the_confirmation() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    app.clock.advance(Duration::from_secs(601));
    let address = submit_unconfirmed(&mut own, &[("action", "recovery-codes")]).await;
    own.cookies.remove("latchkey_session");
    let sign_in = format!("/sign-in?next={}", address.replace('/', "%2F").replace('?', "%3F").replace('=', "%3D"));
    for answer in [own.get(&address).await, own.form(&address, &[]).await] {
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, &*sign_in));
    }
    own.sign_in(&passkey).await;
    assert!(own.form(&address, &[]).await.header("location").starts_with(CODES), "the same user can continue");
}

#[tokio::test]
async fn a_stored_form_resumes_only_in_the_browser_that_sent_it() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        let mut thief = app.browser();
        thief.sign_in(&passkey).await;
        app.clock.advance(Duration::from_secs(601));
        let address = submit_unconfirmed(&mut thief, &[("action", "delete"), ("name", "ada")]).await;
        own.sign_in(&passkey).await;
        for answer in [own.get(&address).await, own.form(&address, &[]).await] {
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account"), "{backends:?}");
        }
        assert!(own.is_signed_in().await);
        assert_eq!(thief.get(&address).await.header("referrer-policy"), "strict-origin", "the URL contains a token");
    }
}

#[tokio::test]
async fn the_page_says_when_the_last_attempt_failed() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.post("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })).await;
    own.redeem_link(&app.email_to("ada@example.org").await.token()).await;
    app.clock.advance(Duration::from_secs(601));
    let address = submit_unconfirmed(&mut own, &[("action", "recovery-codes")]).await;
    let email = app.email_about("ada@example.org", "Confirm it's you").await;
    let link = format!("/email/link?token={}", email.token());
    let elsewhere = app.browser().get(&link).await;
    assert_eq!(elsewhere.status, 409, "the link still works where it was requested: {}", elsewhere.text());
    let mut answer = own.get(&address).await;
    for _ in 0..5 {
        answer = own.form(&address, &[("code", &email.wrong_code())]).await;
        assert_eq!(answer.status, 401);
    }
    assert!(answer.text().contains("that was your last attempt") && answer.text().contains("Email me a code"));
    assert_eq!(app.browser().get(&link).await.status, 401);
}

#[tokio::test]
async fn export_and_deletion_work_with_plain_forms() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up("ada").await;
    let file = submit(&mut own, &[("action", "export")]).await;
    assert_eq!(file.json()["user"]["username"], "ada");
    assert!(file.header("content-disposition").contains("attachment"));
    let answer = submit(&mut own, &[("action", "delete"), ("name", "wrong")]).await;
    assert!(answer.status == 422 && answer.text().contains("That isn't your username"));
    let left = submit(&mut own, &[("action", "delete"), ("name", "ada")]).await;
    assert!(left.status == 200 && left.text().contains("Your account is deleted"));
    assert!(left.text().contains("allAcceptedCredentialIds"), "the page asks the device to remove its passkeys");
    assert!(!own.is_signed_in().await);
}

#[tokio::test]
async fn removing_a_passkey_offers_to_end_its_sessions() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up("ada").await;
    let (second, id) = own.add_passkey().await;
    let mut lost = app.browser();
    lost.sign_in(&second).await;
    let answer = submit(&mut own, &[("action", "remove-passkey"), ("id", &id)]).await;
    let page = own.get(answer.header("location")).await.text();
    assert!(page.contains("One device is still signed in with this passkey."), "{page}");
    submit(&mut own, &[("action", "end-sessions-of"), ("id", &id)]).await;
    assert!(!lost.is_signed_in().await);
    let page = own.get("/account/passkeys").await.text();
    assert!(page.contains("This passkey is your only sign-in method"));
    let only = own.get("/api/passkeys").await.json()["passkeys"][0]["id"].as_str().unwrap().to_owned();
    submit(&mut own, &[("action", "remove-passkey"), ("id", &only)]).await;
    assert!(own.get("/account/passkeys").await.text().contains("You can't remove your only sign-in method"));
}

#[tokio::test]
async fn emailed_links_open_pages_that_act_only_on_submit() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    own.add_passkey().await;
    let email = app.email_about("ada@example.org", "A passkey was added to your account").await;
    let token = email.token_for("/not-me");
    let mut stranger = app.browser();
    let page = stranger.get(&format!("/not-me?token={token}")).await;
    assert_eq!(page.header("referrer-policy"), "strict-origin");
    assert!(page.text().contains("Secure your account"));
    let done = stranger.form("/not-me", &[("token", &token)]).await;
    assert!(done.status == 200 && done.text().contains("All devices are signed out"));
    assert_eq!(stranger.form("/not-me", &[("token", &token)]).await.status, 401);
    assert_eq!(stranger.get(&format!("/not-me?token={token}")).await.status, 401);
    for path in ["/not-me", "/email/undo", "/email/undo?token=x"] {
        assert_eq!(stranger.get(path).await.status, 401, "{path}");
    }
    assert!(!own.is_signed_in().await);
}

#[tokio::test]
async fn well_known_urls_follow_their_specifications() {
    let app = App::start(Backends::Embedded).await;
    let endpoints = app.browser().get("/.well-known/passkey-endpoints").await;
    let page = "http://localhost:3000/account/passkeys";
    assert_eq!(endpoints.json(), json!({ "enroll": format!("{page}?step=add"), "manage": page }));
    assert_eq!(endpoints.header("content-type"), "application/json");
    assert_eq!(app.browser().get("/.well-known/security.txt").await.status, 404);
    let app =
        App::start_with_settings(Backends::Embedded, &[("SECURITY_CONTACT", "mailto:security@example.org")]).await;
    let text = app.browser().get("/.well-known/security.txt").await;
    assert!(text.header("content-type").starts_with("text/plain"));
    assert!(text.text().starts_with("Contact: mailto:security@example.org\nExpires: 2"), "{}", text.text());
}

#[tokio::test]
async fn passkeys_of_another_site_are_listed_but_cannot_sign_in() {
    use crate::app::{TestDatabase, open_ephemeral};
    use std::sync::Arc;

    let database = TestDatabase::create(Backends::Embedded).await;
    let (store, clock) = (database.open().await, Arc::default());
    let ephemeral = open_ephemeral(Backends::Embedded, &clock);
    let parts = (Arc::clone(&store), Arc::clone(&ephemeral), Arc::clone(&clock));
    let there = App::from_parts(
        Parts { store: parts.0, ephemeral: parts.1, clock: parts.2, database },
        &[("PUBLIC_URL", "http://id.localhost:3000")],
    );
    let mut own = there.browser();
    let passkey = own.sign_up_verified(&there, "ada").await;

    let other = TestDatabase::create(Backends::Embedded).await;
    let here = App::from_parts(Parts { store, ephemeral, clock, database: other }, &[]);
    let mut browser = here.browser();
    browser.cookies = own.cookies.clone();
    assert_eq!(browser.sign_in(&passkey).await.status, 401);
    let mut browser = here.browser();
    browser.sign_in_by_email(&here, "ada").await;
    assert!(browser.get("/account/passkeys").await.text().contains("Other site"));
    let (_, id) = browser.add_passkey().await;
    assert_eq!(browser.post("/api/reauthenticate/email", json!({})).await.refusal().1, "passkey_required");
    let list = browser.get("/api/passkeys").await.json();
    assert_eq!(list["passkeys"][0]["elsewhere"], true);
    assert_eq!(list["passkeys"][1]["id"], json!(id));
}

#[tokio::test]
async fn a_form_sent_after_its_session_ended_is_kept_and_shown_again() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    own.cookies.remove("latchkey_session");
    let answer = submit(&mut own, &[("action", "name"), ("name", "Typed before")]).await;
    let back = answer.header("location").strip_prefix("/sign-in?next=").unwrap().to_owned();
    let back = back.replace("%2F", "/").replace("%3F", "?").replace("%3D", "=");
    assert!(back.starts_with("/account/profile?continue=") && !back.contains("Typed"), "{back}");
    let sign_in = own.get(answer.header("location")).await.text();
    assert!(sign_in.contains("You're signed out"), "{sign_in}");
    let mut other = app.browser();
    other.sign_up("bob").await;
    assert!(!other.get(&back).await.text().contains("Typed before"), "another browser does not see it");
    own.sign_in(&passkey).await;
    for _ in 0..2 {
        let page = own.get(&back).await.text();
        assert!(
            page.contains("value=\"Typed before\"") && page.contains("You were signed out before this was saved."),
            "{page}"
        );
    }
    assert_eq!(own.get("/api/session").await.json()["user"]["display_name"], "ada", "the form was not applied");
    own.cookies.remove("latchkey_session");
    let answer = submit(&mut own, &[("action", "end-others")]).await;
    let back =
        answer.header("location").strip_prefix("/sign-in?next=%2Faccount%2Fdevices%3Fcontinue%3D").unwrap().to_owned();
    own.sign_in(&passkey).await;
    let answer = own.get(&format!("/account/devices?continue={back}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account/devices"));

    own.cookies.remove("latchkey_session");
    let answer = submit(&mut own, &[("action", "recovery-codes")]).await;
    let start = "/sign-in?next=%2Faccount%2Frecovery-codes%3Fcontinue%3D";
    let back = answer.header("location").strip_prefix(start).unwrap().to_owned();
    own.sign_in(&passkey).await;
    own.get(&format!("/account/recovery-codes?continue={back}")).await;
    let page = own.get("/account/recovery-codes").await.text();
    assert!(page.contains("Nothing has changed yet") && page.contains("You have no recovery codes."), "{page}");
}
