//! Tests of names, activity, export and deletion.

use super::authority::kinds;
use crate::app::{App, Backends, Browser};
use serde_json::{Value, json};
use std::time::Duration;

const THIRTY_DAYS: Duration = Duration::from_hours(30 * 24);

async fn update(browser: &mut Browser, body: Value) -> crate::app::Answer {
    browser.post("/api/account/update", body).await
}

#[tokio::test]
async fn a_username_can_change_once_in_thirty_days_and_the_old_one_is_reserved() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let (mut ada, mut eve) = (app.browser(), app.browser());
        let passkey = ada.sign_up("ada").await;
        let other = eve.sign_up("eve").await;
        let answer = update(&mut ada, json!({ "display_name": "Ada L.", "username": "lovelace" })).await;
        let user = answer.json()["user"].clone();
        assert_eq!((&user["username"], &user["display_name"]), (&json!("lovelace"), &json!("Ada L.")));
        assert_eq!(
            update(&mut ada, json!({ "username": "again" })).await.refusal(),
            (409, "renamed_recently".to_owned())
        );
        assert_eq!(update(&mut ada, json!({ "username": "Lovelace" })).await.status, 200, "only its case changed");
        assert_eq!(update(&mut ada, json!({ "display_name": "Ada" })).await.status, 200);

        assert_eq!(update(&mut eve, json!({ "username": "ADA" })).await.refusal(), (409, "username_taken".to_owned()));
        assert_eq!(update(&mut eve, json!({ "username": "lovelace" })).await.refusal().1, "username_taken");
        let body = json!({ "username": "ada", "email": "x@example.org" });
        assert_eq!(app.browser().post("/api/sign-up/start", body.clone()).await.refusal().1, "username_taken");
        assert_eq!(app.browser().post("/api/sign-up/email", body.clone()).await.refusal().1, "username_taken");

        app.clock.advance(THIRTY_DAYS);
        assert_eq!(app.browser().post("/api/sign-up/start", body).await.status, 200);
        ada.sign_in(&passkey).await;
        eve.sign_in(&other).await;
        assert_eq!(update(&mut eve, json!({ "username": "ada" })).await.status, 200);
        assert_eq!(update(&mut ada, json!({ "username": "ada" })).await.refusal().1, "username_taken");
    }
}

#[tokio::test]
async fn only_one_of_many_concurrent_changes_to_a_username_succeeds() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut tasks = Vec::new();
        for name in ["one", "two", "three", "four"] {
            let mut browser = app.browser();
            browser.sign_up(name).await;
            tasks.push(tokio::spawn(async move {
                update(&mut browser, json!({ "username": "wanted" })).await.status.as_u16()
            }));
        }
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409]);
    }
}

#[tokio::test]
async fn invalid_names_change_nothing() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up("ada").await;
    for (body, code) in [
        (json!({ "display_name": "" }), "invalid_display_name"),
        (json!({ "display_name": "x".repeat(65), "username": "fine" }), "invalid_display_name"),
        (json!({ "display_name": "a\u{202e}b" }), "invalid_display_name"),
        (json!({ "username": "no" }), "invalid_username"),
        (json!({ "username": "with space" }), "invalid_username"),
        (json!({ "username": 7 }), "bad_request"),
    ] {
        let answer = update(&mut own, body.clone()).await;
        assert_eq!(answer.refusal().1, code, "{body}");
    }
    assert_eq!(update(&mut own, json!({})).await.json()["user"]["username"], "ada");
}

#[tokio::test]
async fn activity_is_paged_newest_first_and_private() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let (mut own, mut eve) = (app.browser(), app.browser());
        let passkey = own.sign_up("ada").await;
        eve.sign_up("eve").await;
        for number in 0..60 {
            app.clock.advance(Duration::from_millis(2));
            let name = format!("Name {number}");
            assert_eq!(update(&mut own, json!({ "display_name": name })).await.status, 200);
        }
        let first = own.get("/api/account/events").await.json()["events"].clone();
        assert_eq!(first.as_array().unwrap().len(), 50);
        let last = first[49]["id"].as_str().unwrap();
        let second = own.get(&format!("/api/account/events?before={last}")).await.json()["events"].clone();
        assert_eq!(kinds(&second).last().unwrap(), "signed_up");
        assert_eq!(second.as_array().unwrap().len(), 11);
        let times: Vec<_> = [&first, &second]
            .into_iter()
            .flat_map(|page| page.as_array().unwrap())
            .map(|event| event["at"].as_str().unwrap().to_owned())
            .collect();
        assert!(times.windows(2).all(|pair| pair[0].len() != pair[1].len() || pair[0] >= pair[1]), "{times:?}");
        assert_eq!(eve.get("/api/account/events?before=x").await.refusal().1, "bad_request");
        for before in [last, "00000000-0000-0000-0000-000000000000"] {
            let answer = eve.get(&format!("/api/account/events?before={before}")).await;
            assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{before}");
        }
        assert_eq!(own.sign_in(&passkey).await.status, 200);
        assert_eq!(kinds(&own.get("/api/account/events").await.json()["events"])[0], "signed_in");
    }
}

#[tokio::test]
async fn failed_sign_ins_of_strangers_are_recorded_once_an_hour() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        for _ in 0..5 {
            let mut stranger = app.browser();
            let options = stranger.start_sign_in().await;
            let mut forged = passkey.assertion(&options, &app.origin);
            forged.spoil_signature = true;
            let answer = stranger.post("/api/sign-in/finish", json!({ "credential": forged.json() })).await;
            assert_eq!(answer.refusal().1, "not_verified");
        }
        let kinds = kinds(&own.get("/api/account/events").await.json()["events"]);
        let lines = kinds.iter().filter(|kind| *kind == "strangers_refused").count();
        assert!((1..=2).contains(&lines), "{kinds:?}");
    }
}

/// The members of an export, in alphabetical order.
const MEMBERS: [&str; 14] = [
    "events",
    "exported_at",
    "groups",
    "language",
    "open_letters",
    "passkeys",
    "passkeys_blocked_since",
    "passkeys_blocked_until",
    "recovery_codes_left",
    "remembered_browsers",
    "roles",
    "sessions",
    "user",
    "username_changed_at",
];

#[tokio::test]
async fn the_export_contains_all_data_and_no_secrets() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        let codes = own.post("/api/recovery/codes", json!({})).await.json()["codes"].clone();
        let answer = own.get("/api/account/export").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.header("content-disposition").starts_with("attachment"));
        let export = answer.json();
        let members: Vec<_> = export.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, MEMBERS, "other programs rely on these members");
        assert_eq!((&export["user"]["username"], &export["recovery_codes_left"]), (&json!("ada"), &json!(10)));
        assert_eq!(export["passkeys"].as_array().unwrap().len(), 1);
        assert_eq!(export["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(export["remembered_browsers"].as_array().unwrap().len(), 1);
        assert!(kinds(&export["events"]).contains(&"exported".to_owned()));
        let text = answer.text();
        let secrets = own
            .cookies
            .values()
            .filter(|value| value.len() > 40)
            .cloned()
            .chain(codes.as_array().unwrap().iter().map(Value::to_string));
        for secret in secrets.chain(["hash".to_owned(), "record".to_owned(), "token".to_owned()]) {
            assert!(!text.contains(secret.trim_matches('"')), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_and_its_address_can_sign_up_again() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        let code = own.post("/api/recovery/codes", json!({})).await.json()["codes"][0].clone();
        let mut other = app.browser();
        other.sign_in(&passkey).await;
        other.request_sign_in_email("ada").await;
        let email = app.email_about("ada@example.org", "Sign in to Latchkey").await;
        let id = own.get("/api/session").await.json()["user"]["id"].clone();
        for typed in ["", "adaa", "ADA"] {
            let answer = own.post("/api/account/delete", json!({ "username": typed })).await;
            assert_eq!(answer.refusal(), (422, "wrong_username".to_owned()), "{typed}");
        }
        assert_eq!(own.post("/api/account/delete", json!({ "username": "ada" })).await.json(), json!({}));
        assert!(!own.cookies.contains_key("latchkey_session") && !own.cookies.contains_key("latchkey_known"));
        assert!(!own.is_signed_in().await && !other.is_signed_in().await);
        assert_eq!(app.browser().sign_in(&passkey).await.refusal().1, "unknown_passkey");
        assert_eq!(other.redeem_link(&email.token()).await.refusal().1, "link_expired");
        let body = json!({ "identifier": "ada", "code": code });
        assert_eq!(app.browser().post("/api/recovery/use", body).await.refusal().1, "code_wrong");
        let farewell = app.email_about("ada@example.org", "Your account was deleted").await;
        assert!(!farewell.0.text.contains("/not-me"), "there is nothing left to protect");

        let mut again = app.browser();
        let taken = again.post("/api/sign-up/start", json!({ "username": "ada", "email": "ada@example.org" })).await;
        assert_eq!(taken.refusal().1, "username_taken", "the name is reserved");
        again.sign_up_with_email("ada2", "ada@example.org").await;
        let token = app.email_about("ada@example.org", "Confirm your email address for Latchkey").await.token();
        let user = again.post("/api/account/email/confirm", json!({ "token": token })).await.json()["user"].clone();
        assert_eq!(user["email_verified"], true);
        assert_ne!(user["id"], id);
        let events = again.get("/api/account/events").await.json()["events"].clone();
        assert!(!kinds(&events).contains(&"recovery_codes_made".to_owned()));
    }
}

#[tokio::test]
async fn a_new_username_sends_a_notification_and_the_owner_can_return_to_the_reserved_one() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        // An attacker could do this with a stolen cookie.
        assert_eq!(update(&mut own, json!({ "username": "stolen" })).await.status, 200);
        let email = app.email_about("ada@example.org", "Your username was changed").await;
        assert!(email.0.text.contains("changed to stolen.") && email.0.text.contains("/not-me?token="));
        let token = json!({ "token": email.token_for("/not-me") });
        assert_eq!(app.browser().post("/api/account/not-me", token).await.status, 200);

        let mut eve = app.browser();
        eve.sign_up("eve").await;
        assert_eq!(
            update(&mut eve, json!({ "username": "ada" })).await.refusal().1,
            "username_taken",
            "it is reserved"
        );
        let mut own = app.browser();
        own.sign_in(&passkey).await;
        assert_eq!(update(&mut own, json!({ "username": "another" })).await.refusal().1, "renamed_recently");
        let answer = update(&mut own, json!({ "username": "Ada" })).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["user"]["username"]), (200, &json!("Ada")));
        let email = app.email_about("ada@example.org", "Your username was changed").await;
        assert!(email.0.text.contains("changed to Ada."), "{}", email.0.text);
    }
}

#[tokio::test]
async fn names_that_look_like_links_or_addresses_do_not_appear_in_emails() {
    let app = App::start(Backends::Embedded).await;
    for (number, name) in
        ["verify at https://evil.example", "evil.example/login", "security@evil.example", "www.evil.example"]
            .into_iter()
            .enumerate()
    {
        let (mut own, user) = (app.browser(), format!("user{number}"));
        own.sign_up_verified(&app, &user).await;
        assert_eq!(update(&mut own, json!({ "display_name": name })).await.status, 200);
        let (_, id) = own.add_passkey().await;
        assert_eq!(own.post("/api/passkeys/rename", json!({ "id": id, "name": name })).await.status, 200);
        assert_eq!(own.post("/api/passkeys/remove", json!({ "id": id })).await.status, 200);
        let options = own.post("/api/passkeys/start", json!({})).await.json()["publicKey"].clone();
        let passkey = crate::authenticator::SoftPasskey::new(&options);
        let credential = passkey.registration(&options, &app.origin).json();
        let added = own.post("/api/passkeys/finish", json!({ "credential": credential, "name": name })).await;
        assert_eq!(added.status, 200);
        app.browser().request_sign_in_email(&user).await;
        let emails: Vec<_> =
            app.emails().await.into_iter().filter(|email| email.0.recipient.starts_with(&user)).collect();
        let count = |subject: &str| emails.iter().filter(|email| email.0.subject == subject).count();
        assert_eq!(count("A passkey was added to your account"), 2);
        assert_eq!(count("A passkey was removed from your account"), 1);
        assert_eq!(count("Sign in to Latchkey"), 1);
        for email in emails {
            for text in [&email.0.subject, &email.0.text, &email.0.html] {
                assert!(!text.contains("evil"), "{name}: {text}");
            }
        }
    }
}
