//! Tests that the data of an account is bounded and that a large account does not slow requests down.

use super::authority::kinds;
use crate::app::{App, Backends};
use crate::oauth::relying_party::{change, register};
use latchkey::server::clock::Clock;
use latchkey::server::http::limits::{Charge, TABLE};
use latchkey::server::model::event::MAX_EVENTS;
use latchkey::server::model::{Client, Event, EventKind, Issuer};
use latchkey::server::secret::SystemEntropy;
use latchkey::types::{Identifier, paths};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Returns a request body that reaches the rate limit of `path`.
fn body_for(path: &str, number: usize) -> Value {
    match path {
        "/api/sign-up/start" | "/api/sign-up/email" => {
            json!({ "username": format!("name{number}"), "email": format!("a{number}@example.org") })
        }
        "/api/email/start" => json!({ "identifier": format!("name{number}") }),
        "/api/recovery/use" => json!({ "identifier": "ada", "code": "AAAAA-AAAAA-AAAAA-AAAAA" }),
        "/api/email/code" | "/api/reauthenticate/code" => json!({ "code": "123456" }),
        "/api/account/email" => json!({ "email": format!("a{number}@example.org") }),
        "/api/account/update" => json!({ "display_name": format!("Ada {number}") }),
        "/api/sessions/revoke" | "/api/passkeys/remove" => json!({ "id": "x" }),
        "/api/passkeys/rename" => json!({ "id": "x", "name": "y" }),
        "/api/passkeys/finish" | "/api/reauthenticate/finish" => json!({ "credential": {} }),
        _ if path.starts_with("/api/") => json!({ "token": "x" }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn the_limit_table_lists_every_endpoint_that_writes() {
    let listed: BTreeSet<_> = TABLE.iter().map(|(method, path, _)| (method.to_string(), (*path).to_owned())).collect();
    assert_eq!(listed.len(), TABLE.len(), "each endpoint is listed once");
    let mut writes: BTreeSet<_> = server_fn::axum::server_fn_paths()
        .filter(|(_, method)| *method != "GET")
        .map(|(path, method)| (method.to_string(), path.to_owned()))
        .collect();
    // Pages that accept a form are registered in the router with `.post(…)` or `post(…)`.
    let router = std::fs::read_to_string("src/router.rs").unwrap();
    for route in router.split(".route(").skip(1) {
        let (path, handler) = route.split_once(',').unwrap();
        if handler.split(".route(").next().unwrap().split('\n').next().unwrap().contains("post(") {
            writes.insert(("POST".to_owned(), constant(path.trim())));
        }
    }
    let reads_that_write: BTreeSet<_> = [("GET".to_owned(), "/api/account/export".to_owned())].into();
    writes.extend(reads_that_write);
    assert_eq!(listed, writes);
}

/// Returns the value of a constant in `types/paths.rs`.
fn constant(name: &str) -> String {
    let name = name.trim_start_matches("paths::");
    let text = std::fs::read_to_string("src/types/paths.rs").unwrap();
    let line = text.lines().find(|line| line.contains(&format!("const {name}:"))).unwrap_or_else(|| panic!("{name}"));
    line.split('"').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn every_endpoint_that_writes_is_rate_limited() {
    let app = App::start_with_settings(Backends::Embedded, &[("RATE_LIMITS", "on")]).await;
    app.clock.stop();
    app.add_signing_keys().await;
    let party = register(&app, "photos", change()).await;
    let parameters =
        [("client_id", "photos"), ("redirect_uri", party.redirect_uri.as_str()), ("response_type", "code")];
    for (number, (method, path, charge)) in TABLE.iter().enumerate() {
        if *charge == Charge::Once {
            continue;
        }
        // Each endpoint gets its own network, so that they do not share limits.
        let mut browser = app.browser_at(&format!("203.0.{number}.1"));
        let name = format!("user{number}");
        if *path == "/api/reauthenticate/email" {
            // Only for accounts without a passkey.
            let body = json!({ "username": name, "email": format!("{name}@example.org") });
            assert_eq!(browser.post("/api/sign-up/email", body).await.status, 202);
            let token = app.email_to(&format!("{name}@example.org")).await.token();
            assert_eq!(browser.redeem_link(&token).await.status, 200);
        } else if ![paths::SIGN_UP, paths::SIGN_IN].contains(path) {
            browser.sign_up(&name).await;
        }
        browser.from = app.browser_at(&format!("203.0.{number}.2")).from;
        let mut refused = false;
        for turn in 0..100 {
            let answer = match (method.as_str(), path.starts_with("/api/")) {
                ("GET", _) => browser.get(path).await,
                (_, true) => browser.post(path, body_for(path, number * 1_000 + turn)).await,
                _ if *path == paths::POLICY_REPORTS => browser.post(path, json!({ "csp-report": {} })).await,
                _ if *path == "/sign-up" => {
                    let name = format!("form{number}x{turn}");
                    let email = format!("{name}@example.org");
                    browser.form(path, &[("username", &name), ("email", &email)]).await
                }
                _ if *path == "/sign-in" => {
                    browser.form(path, &[("action", "email"), ("identifier", &format!("n{turn}"))]).await
                }
                _ if path.starts_with("/oauth/authorize") => browser.form(path, &parameters).await,
                _ if path.starts_with("/oauth/") => {
                    browser.form(path, &[("client_id", "x"), ("access_token", "x")]).await
                }
                _ => browser.form(path, &[("token", "x"), ("action", "name"), ("name", "A"), ("language", "de")]).await,
            };
            if answer.status == 429 {
                refused = true;
                break;
            }
        }
        assert!(refused, "{method} {path} is not limited");
    }
}

#[tokio::test]
async fn an_account_may_act_sixty_times_at_once_and_then_once_every_five_seconds() {
    for backends in Backends::ALL {
        let app = App::start_with_settings(backends, &[("RATE_LIMITS", "on")]).await;
        app.clock.stop();
        let (mut ada, mut eve) = (app.browser_at("192.0.2.1"), app.browser_at("192.0.2.2"));
        ada.sign_up("ada").await;
        eve.sign_up("eve").await;
        let rename = |number: usize| json!({ "display_name": format!("Name {number}") });
        for number in 0..60 {
            assert_eq!(ada.post("/api/account/update", rename(number)).await.status, 200, "{number}");
        }
        let refused = ada.post("/api/account/update", rename(60)).await;
        assert_eq!(refused.refusal(), (429, "too_many_requests".to_owned()));
        assert_eq!(refused.header("retry-after"), "5");
        assert_eq!(eve.post("/api/account/update", rename(0)).await.status, 200, "other accounts are not limited");
        assert_eq!(ada.get("/api/session").await.status, 200, "reads are not limited");
        app.clock.advance(Duration::from_secs(5));
        assert_eq!(ada.post("/api/account/update", rename(61)).await.status, 200);
        assert_eq!(ada.post("/api/account/update", rename(62)).await.status, 429);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_with_much_activity_is_deleted_quickly_while_others_sign_in() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up("ada").await;
        let other = app.browser().sign_up("eve").await;
        let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        // Like an account that was created before activity was limited.
        for _ in 0..3 {
            let mut unit = app.store.begin().await.unwrap();
            for _ in 0..2_000 {
                let client = Client { browser: None, system: None };
                let now = latchkey::server::clock::Clock::now(&*app.clock);
                unit.record(&Event::new(
                    ada.id,
                    EventKind::NameChanged,
                    &client,
                    Issuer { now, entropy: &SystemEntropy },
                ))
                .await
                .unwrap();
            }
            unit.commit().await.unwrap();
        }
        let began = Instant::now();
        let answer = own.post("/api/account/delete", json!({ "username": "ada" })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(began.elapsed() < Duration::from_millis(1_900), "{:?}", began.elapsed());
        assert_eq!(own.get("/api/session").await.status, 401);
        let cleaning = {
            let (store, user) = (app.store.clone(), ada.id);
            tokio::spawn(async move { while store.remove_rows_of_deleted(user, 500).await.unwrap() {} })
        };
        for _ in 0..10 {
            assert_eq!(app.browser().sign_in(&other).await.status, 200, "other sign-ins are not delayed");
        }
        cleaning.await.unwrap();
        assert_eq!(app.store.deleted_accounts(10).await.unwrap(), []);
        app.browser().sign_up("ada2").await;
    }
}

#[tokio::test]
async fn stored_activity_is_capped_and_the_newest_is_kept() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        let mut unit = app.store.begin().await.unwrap();
        for _ in 0..MAX_EVENTS + 200 {
            let client = Client { browser: None, system: None };
            let now = latchkey::server::clock::Clock::now(&*app.clock);
            unit.record(&Event::new(ada.id, EventKind::NameChanged, &client, Issuer { now, entropy: &SystemEntropy }))
                .await
                .unwrap();
        }
        unit.commit().await.unwrap();
        own.sign_in(&passkey).await;
        latchkey::server::jobs::cleanup::clean(&*app.store, Clock::now(&*app.clock), Duration::ZERO).await.unwrap();
        let (mut count, mut before) = (0, None);
        loop {
            let page = app.store.events(ada.id, before, 500).await.unwrap().unwrap();
            count += page.len();
            match page.last() {
                Some(last) => before = Some(last.id),
                None => break,
            }
        }
        assert!(count <= MAX_EVENTS as usize, "{count}");
        let newest = own.get("/api/account/events").await.json()["events"].clone();
        assert_eq!(kinds(&newest)[0], "signed_in");
    }
}

#[tokio::test]
async fn at_most_a_hundred_sessions_and_fifty_browsers_are_kept_and_their_pages_stay_small() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        for _ in 0..120 {
            app.browser().sign_in(&passkey).await;
        }
        assert_eq!(own.get("/api/session").await.status, 401, "the oldest session has ended");
        own.sign_in(&passkey).await;
        let sessions = own.get("/api/sessions").await.json()["sessions"].as_array().unwrap().len();
        assert_eq!(sessions, 100);
        let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        assert_eq!(app.store.known_browsers(ada.id).await.unwrap().len(), 50);
        let page = own.get("/account/devices").await;
        assert!(page.status == 200 && page.body.len() < 200_000, "{} bytes", page.body.len());
    }
}

#[tokio::test]
async fn sign_ins_with_a_suspended_passkey_are_recorded_once_an_hour() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let older = own.sign_up_verified(&app, "ada").await;
        app.clock.advance(Duration::from_mins(1));
        let (suspended, _) = own.add_passkey().await;
        let email = app.email_about("ada@example.org", "A passkey was added to your account").await;
        let token = json!({ "token": email.token_for("/not-me") });
        assert_eq!(app.browser().post("/api/account/not-me", token).await.status, 200);
        let count = async || {
            let mut browser = app.browser();
            assert_eq!(browser.sign_in(&older).await.status, 200);
            let events = browser.get("/api/account/events").await.json()["events"].clone();
            kinds(&events).iter().filter(|kind| *kind == "sign_in_refused").count()
        };
        for _ in 0..5 {
            assert_eq!(app.browser().sign_in(&suspended).await.status, 401);
        }
        // The error names the suspension only if the signature is valid.
        for (spoil_signature, expected) in [(false, json!(true)), (true, json!(null))] {
            let mut browser = app.browser();
            let options = browser.start_sign_in().await;
            let mut assertion = suspended.assertion(&options, &app.origin);
            assertion.spoil_signature = spoil_signature;
            let answer = browser.post("/api/sign-in/finish", json!({ "credential": assertion.json() })).await;
            let error = answer.json()["error"].clone();
            assert_eq!((&error["code"], &error["suspended"]), (&json!("not_verified"), &expected), "{error}");
        }
        assert_eq!(count().await, 1);
        app.clock.advance(Duration::from_mins(61));
        assert_eq!(app.browser().sign_in(&suspended).await.status, 401);
        assert_eq!(count().await, 2);
    }
}

#[tokio::test]
async fn a_stolen_session_cannot_use_up_the_limits_that_the_owner_needs() {
    let app = App::start_with_settings(Backends::Embedded, &[("RATE_LIMITS", "on")]).await;
    app.clock.stop();
    let (mut stolen, mut own) = (app.browser_at("192.0.2.1"), app.browser_at("192.0.2.2"));
    let passkey = stolen.sign_up("ada").await;
    own.sign_in(&passkey).await;
    for turn in 0..100 {
        stolen.post("/api/account/update", json!({ "display_name": format!("Name {turn}") })).await;
        stolen.post("/api/sessions/revoke", json!({ "id": "x" })).await;
        stolen.form("/account", &[("action", "end-session"), ("id", "x")]).await;
    }
    assert_eq!(own.post("/api/account/update", json!({ "display_name": "Ada" })).await.status, 429, "per account");
    assert_eq!(own.form("/account", &[("action", "end-others")]).await.status, 303);
    assert_eq!(own.post("/api/sessions/revoke", json!({ "others": true })).await.status, 200);
    assert_eq!(stolen.get("/api/session").await.status, 401);
}
