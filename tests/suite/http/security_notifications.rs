//! Tests of security notifications: reporting "This wasn't me" and restoring a former address (contract, rule 10).

use crate::app::{App, Backends, Browser, Email};
use latchkey::types::Identifier;
use serde_json::json;
use std::time::Duration;

const ADDED: &str = "A passkey was added to your account";
const CHANGED: &str = "Your email address was changed";
const DISPLACED: &str = "Your email address was changed back";
const NEW_DEVICE: &str = "Sign-in from a new device";
const THREE_DAYS: Duration = Duration::from_hours(72);

async fn change_address(app: &App, own: &mut Browser, address: &str) {
    let requested = own.post("/api/account/email", json!({ "email": address })).await;
    assert_eq!(requested.status, 202, "{}", requested.text());
    let token = app.email_about(address, "Confirm your email address for Latchkey").await.token();
    let answer = own.post("/api/account/email/confirm", json!({ "token": token })).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["user"]["email"]), (200, &json!(address)));
}

async fn not_me(app: &App, email: &Email) -> crate::app::Answer {
    app.browser().post("/api/account/not-me", json!({ "token": email.token_for("/not-me") })).await
}

#[tokio::test]
async fn a_report_ends_sessions_suspends_new_passkeys_and_blocks_more() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let older = own.sign_up_verified(&app, "ada").await;
        app.clock.advance(Duration::from_mins(1));
        let mut thief = app.browser();
        thief.sign_in_by_email(&app, "ada").await;
        let (stolen, _) = thief.add_passkey().await;
        let email = app.email_about("ada@example.org", ADDED).await;
        assert_eq!(app.browser().get(&format!("/not-me?token={}", email.token_for("/not-me"))).await.status, 200);
        assert!(thief.is_signed_in().await, "viewing the page changes nothing");

        assert_eq!(not_me(&app, &email).await.json(), json!({}));
        assert!(!thief.is_signed_in().await && !own.is_signed_in().await);
        assert_eq!(app.browser().sign_in(&stolen).await.refusal(), (401, "not_verified".to_owned()));
        assert_eq!(not_me(&app, &email).await.refusal(), (401, "link_expired".to_owned()));
        thief.sign_in_by_email(&app, "ada").await;
        let blocked = thief.post("/api/passkeys/start", json!({})).await;
        assert_eq!(blocked.refusal(), (403, "older_passkey_required".to_owned()));

        assert_eq!(own.sign_in(&older).await.status, 200);
        let list = own.get("/api/passkeys").await.json();
        let suspended: Vec<_> = list["passkeys"].as_array().unwrap().iter().map(|p| p["suspended"].clone()).collect();
        assert_eq!(suspended, [json!(false), json!(true)]);
        own.add_passkey().await;
        let events = own.get("/api/account/events").await.json()["events"].clone();
        let kinds = super::authority::kinds(&events);
        for kind in ["not_me", "sign_in_refused", "passkey_added"] {
            assert!(kinds.contains(&kind.to_owned()), "{kind}: {kinds:?}");
        }
    }
}

#[tokio::test]
async fn only_one_of_many_concurrent_reports_succeeds() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        own.add_passkey().await;
        let token = app.email_about("ada@example.org", ADDED).await.token_for("/not-me");
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (mut browser, body) = (app.browser(), json!({ "token": token }));
                tokio::spawn(async move { browser.post("/api/account/not-me", body).await.status.as_u16() })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += usize::from(task.await.unwrap() == 200);
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn links_in_security_notifications_expire_after_three_days_and_forged_ones_never_work() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    change_address(&app, &mut own, "new@example.org").await;
    let email = app.email_about("ada@example.org", CHANGED).await;
    app.clock.advance(THREE_DAYS);
    assert_eq!(not_me(&app, &email).await.refusal(), (401, "link_expired".to_owned()));
    for token in [email.token_for("/email/undo"), String::new(), "x".to_owned(), "A".repeat(43)] {
        for path in ["/api/account/email/undo", "/api/account/not-me"] {
            let answer = app.browser().post(path, json!({ "token": token })).await;
            assert_eq!(answer.refusal(), (401, "link_expired".to_owned()), "{path} {token}");
        }
        for path in ["/email/undo", "/not-me"] {
            let page = app.browser().form(path, &[("token", &token)]).await.text();
            assert!(page.contains("sign in and check your account") && !page.contains("Request a new email"), "{page}");
        }
    }
}

#[tokio::test]
async fn an_address_change_notifies_both_addresses_and_can_be_undone_once() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        let mut other = app.browser();
        other.sign_in(&passkey).await;
        change_address(&app, &mut own, "new@example.org").await;
        assert!(own.is_signed_in().await && !other.is_signed_in().await, "changing the address ends other sessions");
        let (old, new) =
            (app.email_about("ada@example.org", CHANGED).await, app.email_about("new@example.org", CHANGED).await);
        assert!(!new.0.text.contains("/email/undo"), "only the former address gets an undo link");
        let token = old.token_for("/email/undo");
        assert_eq!(app.browser().get(&format!("/email/undo?token={token}")).await.status, 200);

        let mut stranger = app.browser();
        let undone = stranger.post("/api/account/email/undo", json!({ "token": token })).await;
        assert_eq!((undone.status.as_u16(), undone.json()), (200, json!({})));
        assert!(!own.is_signed_in().await && !stranger.is_signed_in().await, "undo ends sessions and does not sign in");
        assert_eq!(
            stranger.post("/api/account/email/undo", json!({ "token": token })).await.refusal(),
            (401, "link_expired".to_owned())
        );
        own.sign_in(&passkey).await;
        assert_eq!(own.get("/api/session").await.json()["user"]["email"], "ada@example.org");
        app.email_about("ada@example.org", "Your email address was restored").await;
        let displaced = app.email_about("new@example.org", DISPLACED).await;
        assert!(!displaced.0.text.contains("/email/undo"));
        assert_eq!(not_me(&app, &new).await.status, 200, "the links of the displaced address stay valid");
        assert_eq!(not_me(&app, &displaced).await.status, 200);
        assert!(!own.is_signed_in().await);
    }
}

#[tokio::test]
async fn an_undo_voids_later_undo_links() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        change_address(&app, &mut own, "second@example.org").await;
        app.clock.advance(Duration::from_secs(5));
        change_address(&app, &mut own, "third@example.org").await;
        let first = app.email_about("ada@example.org", CHANGED).await.token_for("/email/undo");
        let emails = app.emails().await;
        let later = emails
            .iter()
            .find(|email| email.0.recipient == "second@example.org" && email.0.text.contains("/email/undo"));
        let later = later.unwrap().token_for("/email/undo");
        assert_eq!(app.browser().post("/api/account/email/undo", json!({ "token": first })).await.status, 200);
        let answer = app.browser().post("/api/account/email/undo", json!({ "token": later })).await;
        assert_eq!(answer.refusal(), (401, "link_expired".to_owned()));
    }
}

#[tokio::test]
async fn two_undos_keep_the_links_of_the_address_that_was_displaced_first() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        change_address(&app, &mut own, "second@example.org").await;
        app.clock.advance(Duration::from_secs(5));
        change_address(&app, &mut own, "third@example.org").await;
        for address in ["second@example.org", "ada@example.org"] {
            let emails = app.emails().await;
            let is_undo = |email: &&Email| email.0.recipient == address && email.0.text.contains("/email/undo");
            let token = emails.iter().find(is_undo).unwrap().token_for("/email/undo");
            assert_eq!(app.browser().post("/api/account/email/undo", json!({ "token": token })).await.status, 200);
        }
        let displaced = app.email_about("third@example.org", DISPLACED).await;
        assert_eq!(not_me(&app, &displaced).await.status, 200);
    }
}

#[tokio::test]
async fn an_undo_cannot_take_an_address_that_another_account_has_confirmed() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        change_address(&app, &mut own, "new@example.org").await;
        let undo = app.email_about("ada@example.org", CHANGED).await.token_for("/email/undo");
        let mut eve = app.browser();
        eve.sign_up_with_email("eve", "ada@example.org").await;
        let token = app.email_about("ada@example.org", "Confirm your email address for Latchkey").await.token();
        assert_eq!(eve.post("/api/account/email/confirm", json!({ "token": token })).await.status, 200);
        let answer = app.browser().post("/api/account/email/undo", json!({ "token": undo })).await;
        assert_eq!(answer.refusal(), (409, "address_taken".to_owned()));
        assert!(own.is_signed_in().await, "nothing was changed");
    }
}

#[tokio::test]
async fn a_newer_address_change_voids_a_pending_one() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    for address in ["one@example.org", "two@example.org"] {
        own.post("/api/account/email", json!({ "email": address })).await;
        app.deliver().await;
    }
    let subject = "Confirm your email address for Latchkey";
    let (one, two) =
        (app.email_about("one@example.org", subject).await, app.email_about("two@example.org", subject).await);
    let confirm = async |own: &mut Browser, email: &Email| {
        own.post("/api/account/email/confirm", json!({ "token": email.token() })).await
    };
    assert_eq!(confirm(&mut own, &one).await.refusal().1, "link_expired");
    assert_eq!(own.get("/api/session").await.json()["user"]["email"], "ada@example.org", "unchanged until confirmed");
    assert_eq!(confirm(&mut own, &two).await.status, 200);
    for wrong in ["", "no address", "a@", &format!("{}@example.org", "a".repeat(300))] {
        let answer = own.post("/api/account/email", json!({ "email": wrong })).await;
        assert_eq!(answer.refusal(), (422, "invalid_email".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn an_undo_from_an_old_mailbox_does_not_take_over_the_account() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        app.clock.advance(Duration::from_mins(1));
        change_address(&app, &mut own, "new@example.org").await;
        let undo = app.email_about("ada@example.org", CHANGED).await.token_for("/email/undo");
        assert_eq!(app.browser().post("/api/account/email/undo", json!({ "token": undo })).await.status, 200);

        let mut thief = app.browser();
        thief.sign_in_by_email(&app, "ada@example.org").await;
        let blocked = thief.post("/api/passkeys/start", json!({})).await;
        assert_eq!(blocked.refusal(), (403, "older_passkey_required".to_owned()));
        app.clock.advance(THREE_DAYS * 2);
        thief.sign_in_by_email(&app, "ada@example.org").await;
        let blocked = thief.post("/api/passkeys/start", json!({})).await;
        assert_eq!(blocked.refusal().1, "older_passkey_required", "the block does not expire while there is a passkey");

        own.sign_in(&passkey).await;
        own.add_passkey().await;
        own.post("/api/account/email", json!({ "email": "new@example.org" })).await;
        let token = app.email_about("new@example.org", "Confirm your email address for Latchkey").await.token();
        assert_eq!(own.post("/api/account/email/confirm", json!({ "token": token })).await.status, 200);
        let left = app.email_about("ada@example.org", CHANGED).await;
        assert!(!left.0.text.contains("/email/undo"), "the owner can give up the old mailbox: {}", left.0.text);
        thief.request_sign_in_email("ada@example.org").await;
        let emails = app.emails().await;
        assert!(!(emails[0].0.recipient == "ada@example.org" && emails[0].0.subject.starts_with("Sign in")));
    }
}

#[tokio::test]
async fn a_repeated_change_with_a_newer_passkey_can_be_undone_again() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    let older = own.sign_up_verified(&app, "ada").await;
    app.clock.advance(Duration::from_mins(1));
    change_address(&app, &mut own, "thief@example.org").await;
    app.clock.advance(Duration::from_mins(1));
    // The thief's passkey, created after the change.
    let (newer, _) = own.add_passkey().await;
    let undo = app.email_about("ada@example.org", CHANGED).await.token_for("/email/undo");
    assert_eq!(app.browser().post("/api/account/email/undo", json!({ "token": undo })).await.status, 200);
    app.browser().sign_in(&older).await;
    app.clock.advance(THREE_DAYS);
    let mut thief = app.browser();
    assert_eq!(thief.sign_in(&newer).await.status, 200);
    change_address(&app, &mut thief, "thief@example.org").await;
    assert!(app.email_about("ada@example.org", CHANGED).await.0.text.contains("/email/undo"));
}

#[tokio::test]
async fn an_undo_wins_over_a_concurrent_change() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        change_address(&app, &mut own, "new@example.org").await;
        let undo = app.email_about("ada@example.org", CHANGED).await.token_for("/email/undo");
        own.post("/api/account/email", json!({ "email": "newer@example.org" })).await;
        let token = app.email_about("newer@example.org", "Confirm your email address for Latchkey").await.token();
        let mut stranger = app.browser();
        let (undone, confirmed) = tokio::join!(
            stranger.post("/api/account/email/undo", json!({ "token": undo })),
            own.post("/api/account/email/confirm", json!({ "token": token }))
        );
        let outcome = (undone.status.as_u16(), confirmed.status.as_u16());
        assert!(matches!(outcome, (200, 200 | 401)), "{outcome:?}: {}", confirmed.text());
        let user = app
            .store
            .account_by_identifier(&latchkey::types::Identifier::parse("ada").unwrap())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(user.email.unwrap().as_str(), "ada@example.org", "the undo wins");
        assert!(user.lockdown.is_some());
    }
}

#[tokio::test]
async fn a_new_device_causes_one_notification_and_a_known_device_none() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let synced = own.sign_up_verified(&app, "ada").await;
        let count = async |app: &App| {
            let emails = app.emails().await;
            emails.iter().filter(|email| email.0.subject == NEW_DEVICE).count()
        };
        own.sign_in_by_email(&app, "ada").await;
        own.sign_in(&synced).await;
        assert_eq!(count(&app).await, 0, "this browser is known");
        let options = own.post("/api/passkeys/start", json!({})).await.json()["publicKey"].clone();
        let mut bound = crate::authenticator::SoftPasskey::new(&options);
        bound.flags = crate::authenticator::UP | crate::authenticator::UV;
        let body = json!({ "credential": bound.registration(&options, &app.origin).json() });
        assert_eq!(own.post("/api/passkeys/finish", body).await.status, 200);
        assert_eq!(app.browser().sign_in(&bound).await.status, 200);
        assert_eq!(count(&app).await, 0, "a passkey that cannot leave its device is known");
        let mut elsewhere = app.browser();
        assert_eq!(elsewhere.sign_in(&synced).await.status, 200);
        assert_eq!(count(&app).await, 1, "a synced one may be on a new device");
        assert_eq!(elsewhere.sign_in(&synced).await.status, 200);
        assert_eq!(count(&app).await, 1, "now it is known");
        let mut new = app.browser();
        new.sign_in_by_email(&app, "ada").await;
        assert_eq!(count(&app).await, 2);
        new.sign_in_by_email(&app, "ada").await;
        assert_eq!(count(&app).await, 2, "now it is known");
        let email = app.email_about("ada@example.org", NEW_DEVICE).await;
        assert_eq!(not_me(&app, &email).await.status, 200);
        new.sign_in_by_email(&app, "ada").await;
        assert_eq!(count(&app).await, 3, "no device is known after a report");
    }
}

#[tokio::test]
async fn a_lockdown_that_ended_does_not_come_back() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.post("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })).await;
    let token = app.email_to("ada@example.org").await.token();
    assert_eq!(own.redeem_link(&token).await.status, 200);
    own.add_passkey().await;
    assert_eq!(not_me(&app, &app.email_about("ada@example.org", ADDED).await).await.status, 200);
    own.sign_in_by_email(&app, "ada").await;
    assert_eq!(own.post("/api/passkeys/start", json!({})).await.refusal().1, "older_passkey_required");
    app.clock.advance(THREE_DAYS);
    own.sign_in_by_email(&app, "ada").await;
    assert_eq!(own.post("/api/recovery/codes", json!({})).await.status, 200);
    own.add_passkey().await;
    app.clock.advance(Duration::from_secs(1));
    own.sign_in_by_email(&app, "ada").await;
    own.add_passkey().await;
}

#[tokio::test]
async fn notifications_are_limited_per_kind_and_in_total_and_a_digest_says_so() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        let count = async |subject: &str| app.emails().await.iter().filter(|email| email.0.subject == subject).count();
        for _ in 0..6 {
            own.add_passkey().await;
        }
        assert_eq!(count(ADDED).await, 3, "three an hour");
        assert_eq!(count("More changes to your account").await, 1);
        app.clock.advance(Duration::from_mins(61));
        let total = async || app.emails().await.iter().filter(|email| email.0.text.contains("/not-me")).count();
        let before = total().await;
        own.sign_in(&passkey).await;
        own.add_passkey().await;
        assert_eq!(count(ADDED).await, 4);
        assert_eq!(own.post("/api/account/update", json!({ "username": "ada2" })).await.status, 200);
        let id = app.state.administration().named(&Identifier::parse("ada2").unwrap()).await.unwrap().unwrap().id;
        // Eight kinds, seven of which reach their own limit: together, they would be 22.
        for _ in 0..4 {
            let codes = own.post("/api/recovery/codes", json!({})).await.json()["codes"].clone();
            let code = json!({ "identifier": "ada2", "code": codes[0] });
            assert_eq!(app.browser().post("/api/recovery/use", code).await.status, 200);
            let (_, passkey) = own.add_passkey().await;
            assert_eq!(own.post("/api/passkeys/remove", json!({ "id": passkey })).await.status, 200);
            assert_eq!(own.get("/api/account/export").await.status, 200);
            app.state.administration().make_sign_in_link(id).await.unwrap().unwrap();
            app.browser().sign_in_by_email(&app, "ada@example.org").await;
        }
        assert_eq!(total().await - before, 20, "twenty an hour in total, with the digest");
        assert_eq!(count("More changes to your account").await, 2, "one digest an hour");
    }
}

#[tokio::test]
async fn an_account_without_a_confirmed_address_gets_no_notifications() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up("ada").await;
    own.add_passkey().await;
    let subjects: Vec<_> = app.emails().await.into_iter().map(|email| email.0.subject).collect();
    assert_eq!(subjects, ["Confirm your email address for Latchkey"]);
}

#[tokio::test]
async fn without_an_older_passkey_the_block_ends_after_three_days() {
    for setting in ["on", "recovery-only"] {
        let app = App::start_with_settings(Backends::Embedded, &[("EMAIL_SIGN_IN", setting)]).await;
        let mut own = app.browser();
        own.post("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })).await;
        let token = app.email_to("ada@example.org").await.token();
        assert_eq!(own.redeem_link(&token).await.status, 200);
        own.add_passkey().await;
        let email = app.email_about("ada@example.org", ADDED).await;
        assert_eq!(not_me(&app, &email).await.status, 200);
        own.sign_in_by_email(&app, "ada").await;
        let blocked = own.post("/api/passkeys/start", json!({})).await;
        assert_eq!(blocked.refusal().1, "older_passkey_required", "{setting}");
        app.clock.advance(THREE_DAYS);
        own.sign_in_by_email(&app, "ada").await;
        own.add_passkey().await;
    }
}

#[tokio::test]
async fn with_recovery_codes_the_block_lasts_until_one_is_used() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.post("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })).await;
    let token = app.email_to("ada@example.org").await.token();
    assert_eq!(own.redeem_link(&token).await.status, 200);
    let codes = own.post("/api/recovery/codes", json!({})).await.json()["codes"].clone();
    app.clock.advance(Duration::from_secs(1));
    own.add_passkey().await;
    assert_eq!(not_me(&app, &app.email_about("ada@example.org", ADDED).await).await.status, 200);
    app.clock.advance(THREE_DAYS * 2);
    own.sign_in_by_email(&app, "ada").await;
    assert_eq!(own.post("/api/passkeys/start", json!({})).await.refusal().1, "older_passkey_required");
    let used = own.post("/api/recovery/use", json!({ "identifier": "ada", "code": codes[0] })).await;
    assert_eq!(used.status, 200, "{}", used.text());
    own.add_passkey().await;
}

#[tokio::test]
async fn a_block_that_begins_during_a_registration_stops_it() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    let older = own.sign_up_verified(&app, "ada").await;
    app.clock.advance(Duration::from_mins(1));
    own.add_passkey().await;
    let email = app.email_about("ada@example.org", ADDED).await;
    let mut by_email = app.browser();
    by_email.sign_in_by_email(&app, "ada").await;
    assert_eq!(not_me(&app, &email).await.status, 200);
    by_email.sign_in_by_email(&app, "ada").await;
    // A registration that started before the block, in a session of an older passkey.
    own.sign_in(&older).await;
    let options = own.post("/api/passkeys/start", json!({})).await.json()["publicKey"].clone();
    own.add_passkey().await;
    let email = app.email_about("ada@example.org", ADDED).await;
    assert_eq!(not_me(&app, &email).await.status, 200);
    let late = crate::authenticator::SoftPasskey::new(&options);
    let body = json!({ "credential": late.registration(&options, &app.origin).json() });
    assert_eq!(own.post("/api/passkeys/finish", body).await.refusal(), (401, "signed_out".to_owned()));
    // An email session cannot start one during the block.
    by_email.sign_in_by_email(&app, "ada").await;
    assert_eq!(by_email.post("/api/passkeys/start", json!({})).await.refusal().1, "older_passkey_required");
}

#[tokio::test]
async fn a_report_makes_every_browser_unknown_to_the_account() {
    let app = App::start_with_settings(Backends::Embedded, &[("RATE_LIMITS", "on")]).await;
    let mut own = app.browser_at("192.0.2.1");
    own.sign_up_verified(&app, "ada").await;
    own.add_passkey().await;
    let email = app.email_about("ada@example.org", ADDED).await;
    assert_eq!(not_me(&app, &email).await.status, 200);
    for _ in 0..3 {
        app.browser_at("198.51.100.1").request_sign_in_email("ada").await;
        app.deliver().await;
    }
    // Its token was voided, so it counts as a stranger, and the limit of strangers is used up.
    assert_eq!(own.post("/api/email/start", json!({ "identifier": "ada" })).await.refusal().0, 429);
}
