//! Tests of administrator commands: sign-in links, disabled accounts and invitations.

use crate::app::{App, Backends, Browser, ORIGIN};
use crate::authenticator::SoftPasskey;
use latchkey::server::auth::NewInvitation;
use latchkey::server::model::UserId;
use latchkey::types::Identifier;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

async fn id_of(app: &App, name: &str) -> UserId {
    app.store.account_by_identifier(&Identifier::parse(name).unwrap()).await.unwrap().unwrap().id
}

async fn sign_in_link(app: &App, name: &str) -> String {
    app.state.administration().make_sign_in_link(id_of(app, name).await).await.unwrap().unwrap().encode()
}

async fn kinds(own: &mut Browser) -> Vec<String> {
    let events = own.get("/api/account/events").await.json()["events"].as_array().unwrap().clone();
    events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_break_glass_link_signs_in_once_in_any_browser_and_the_owner_is_notified() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up_verified(&app, "ada").await;
        let token = sign_in_link(&app, "ada").await;
        let email = app.email_about("ada@example.org", "A sign-in link was created for your account").await;
        assert!(email.0.text.contains("/not-me?token="));

        let mut browser = app.browser();
        let page = browser.get(&format!("/email/link?token={token}")).await;
        assert!(page.status == 200 && page.text().contains("This link signs you in as"), "{}", page.text());
        let answer = browser.redeem_link(&token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["session"]["method"], "recovery");
        assert!(browser.get("/account").await.text().contains("Create a passkey on this device"));
        let kinds = kinds(&mut browser).await;
        for kind in ["sign_in_link_made", "sign_in_link_used", "signed_in"] {
            assert!(kinds.iter().any(|written| written == kind), "{kind}: {kinds:?}");
        }
        browser.add_passkey().await;
        assert_eq!(app.browser().redeem_link(&token).await.refusal(), (401, "link_expired".to_owned()));
    }
}

#[tokio::test]
async fn a_break_glass_link_is_void_after_an_hour_a_newer_link_or_a_report() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up_verified(&app, "ada").await;
        let older = sign_in_link(&app, "ada").await;
        let newer = sign_in_link(&app, "ada").await;
        assert_eq!(app.browser().redeem_link(&older).await.refusal(), (401, "link_expired".to_owned()));
        app.clock.advance(Duration::from_hours(1));
        assert_eq!(app.browser().redeem_link(&newer).await.refusal(), (401, "link_expired".to_owned()));

        let last = sign_in_link(&app, "ada").await;
        let email = app.email_about("ada@example.org", "A sign-in link was created for your account").await;
        let answer = app.browser().post("/api/account/not-me", json!({ "token": email.token_for("/not-me") })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(app.browser().redeem_link(&last).await.refusal(), (401, "link_expired".to_owned()));
    }
}

#[tokio::test]
async fn a_passkey_added_by_a_break_glass_link_is_on_probation_and_a_report_blocks_more() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up_verified(&app, "ada").await;
        let mut by_link = app.browser();
        by_link.redeem_link(&sign_in_link(&app, "ada").await).await;
        let (passkey, _) = by_link.add_passkey().await;
        by_link.sign_in(&passkey).await;
        let refused = by_link.post("/api/recovery/codes", json!({})).await;
        assert_eq!(refused.refusal(), (403, "passkey_too_new".to_owned()));

        let email = app.email_about("ada@example.org", "A sign-in link was created for your account").await;
        app.browser().post("/api/account/not-me", json!({ "token": email.token_for("/not-me") })).await;
        by_link.redeem_link(&sign_in_link(&app, "ada").await).await;
        let refused = by_link.post("/api/passkeys/start", json!({})).await;
        assert_eq!(refused.refusal(), (403, "older_passkey_required".to_owned()));
        app.clock.advance(Duration::from_hours(72));
        by_link.redeem_link(&sign_in_link(&app, "ada").await).await;
        by_link.add_passkey().await;
    }
}

#[tokio::test]
async fn a_lockdown_that_nothing_else_can_end_expires() {
    for last_step in ["remove the lost passkey", "make recovery codes"] {
        let app = App::start(Backends::Embedded).await;
        let mut own = app.browser();
        let lost = own.sign_up_verified(&app, "ada").await;
        if last_step == "make recovery codes" {
            own.post("/api/recovery/codes", json!({})).await;
        }
        app.clock.advance(Duration::from_mins(1));
        own.add_passkey().await;
        let email = app.email_about("ada@example.org", "A passkey was added to your account").await;
        app.browser().post("/api/account/not-me", json!({ "token": email.token_for("/not-me") })).await;
        app.clock.advance(Duration::from_hours(73));
        let mut by_link = app.browser();
        by_link.redeem_link(&sign_in_link(&app, "ada").await).await;
        let (passkey, _) = by_link.add_passkey().await;
        app.clock.advance(Duration::from_hours(73));
        by_link.sign_in(&passkey).await;
        let blocked = by_link.post("/api/passkeys/start", json!({})).await;
        assert_eq!(blocked.refusal().1, "older_passkey_required", "the lost passkey could still end it");
        if last_step == "make recovery codes" {
            assert_eq!(by_link.post("/api/recovery/codes", json!({})).await.status, 200);
        }
        let id = crate::authenticator::encode(&lost.credential_id);
        assert_eq!(by_link.post("/api/passkeys/remove", json!({ "id": id })).await.status, 200);
        by_link.add_passkey().await;
    }
}

#[tokio::test]
async fn a_sign_in_link_works_if_email_sign_in_is_off() {
    let app = App::start_with_settings(Backends::Embedded, &[("EMAIL_SIGN_IN", "off")]).await;
    app.browser().sign_up("ada").await;
    let token = sign_in_link(&app, "ada").await;
    assert_eq!(app.browser().redeem_link("nonsense").await.refusal(), (404, "email_off".to_owned()));
    assert_eq!(app.browser().redeem_link(&token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_uses_of_a_break_glass_link_succeeds() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up("ada").await;
        let token = sign_in_link(&app, "ada").await;
        let tries = (0..20).map(|_| {
            let (mut browser, token) = (app.browser(), token.clone());
            tokio::spawn(async move { browser.redeem_link(&token).await.status.as_u16() })
        });
        let mut statuses = Vec::new();
        for attempt in tries.collect::<Vec<_>>() {
            statuses.push(attempt.await.unwrap());
        }
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 401].contains(status)), "{statuses:?}");
    }
}

#[tokio::test]
async fn a_disabled_account_cannot_sign_in() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        let codes = own.post("/api/recovery/codes", json!({})).await.json()["codes"].clone();
        let mut requester = app.browser();
        requester.request_sign_in_email("ada").await;
        let open = app.email_to("ada@example.org").await;
        let id = id_of(&app, "ada").await;
        assert!(app.state.administration().set_disabled(id, true).await.unwrap().unwrap().disabled_at.is_some());

        assert_eq!(own.get("/api/session").await.refusal(), (401, "signed_out".to_owned()));
        let refused = app.browser().sign_in(&passkey).await;
        assert_eq!(refused.refusal(), (403, "account_disabled".to_owned()));
        assert_eq!(requester.redeem_link(&open.token()).await.refusal(), (401, "link_expired".to_owned()));
        let emails = app.emails().await.len();
        app.browser().request_sign_in_email("ada").await;
        app.browser().request_sign_in_email("ada@example.org").await;
        assert_eq!(app.emails().await.len(), emails, "no email is sent to it");
        let recovery = json!({ "identifier": "ada", "code": codes[0] });
        let refused = app.browser().post("/api/recovery/use", recovery.clone()).await;
        assert_eq!(refused.refusal(), (401, "code_wrong".to_owned()));
        assert!(app.state.administration().make_sign_in_link(id).await.unwrap().is_none());

        assert_eq!(app.state.administration().set_disabled(id, false).await.unwrap().unwrap().disabled_at, None);
        assert_eq!(own.get("/api/session").await.status, 401, "its sessions stay revoked");
        assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
        assert_eq!(app.browser().post("/api/recovery/use", recovery).await.status, 200, "the code was not used up");
        own.sign_in(&passkey).await;
        let kinds = kinds(&mut own).await;
        for kind in ["account_disabled", "sign_in_refused", "account_enabled"] {
            assert!(kinds.iter().any(|written| written == kind), "{kind}: {kinds:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn disabling_an_account_during_sign_ins_leaves_no_session_alive() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let passkey = app.browser().sign_up("ada").await;
        let id = id_of(&app, "ada").await;
        let sign_ins: Vec<_> = (0..10)
            .map(|_| {
                let (mut browser, passkey) = (app.browser(), passkey.clone());
                tokio::spawn(async move {
                    let answer = browser.sign_in(&passkey).await;
                    (browser, answer)
                })
            })
            .collect();
        app.state.administration().set_disabled(id, true).await.unwrap();
        for sign_in in sign_ins {
            let (mut browser, answer) = sign_in.await.unwrap();
            if answer.status != 200 {
                assert_eq!(answer.refusal(), (403, "account_disabled".to_owned()));
            }
            assert_eq!(browser.get("/api/session").await.status, 401);
        }
        app.state.administration().set_disabled(id, false).await.unwrap();
        assert_eq!(app.browser().sign_in(&passkey).await.status, 200, "the account works again");
    }
}

async fn invite(app: &App, uses: u32) -> String {
    let terms = NewInvitation { note: None, uses, life: Duration::from_hours(1), groups: BTreeSet::new() };
    app.state.invitations().create(terms).await.unwrap().unwrap().1.encode()
}

fn form(name: &str, invite: Option<&str>) -> Value {
    json!({ "username": name, "email": format!("{name}@example.org"), "invite": invite })
}

/// Signs up with an invitation; returns the final response.
async fn sign_up_with(app: &App, name: &str, invite: &str) -> crate::app::Answer {
    let mut browser = app.browser();
    let answer = browser.post("/api/sign-up/start", form(name, Some(invite))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let options = answer.json()["publicKey"].clone();
    let credential = SoftPasskey::new(&options).registration(&options, ORIGIN).json();
    browser.post("/api/sign-up/finish", json!({ "credential": credential })).await
}

#[tokio::test]
async fn with_invitations_only_a_valid_invitation_allows_sign_up_up_to_its_number_of_uses() {
    for backends in Backends::ALL {
        let app = App::start_with_settings(backends, &[("SIGN_UP", "invite")]).await;
        let required = (403, "invitation_required".to_owned());
        for wrong in [None, Some(""), Some("nonsense"), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
            for path in ["/api/sign-up/start", "/api/sign-up/email"] {
                assert_eq!(app.browser().post(path, form("ada", wrong)).await.refusal(), required, "{path} {wrong:?}");
            }
        }
        let closed = app.browser().get("/sign-up").await;
        assert!(closed.status == 403 && closed.text().contains("By invitation only"));
        assert!(!app.browser().get("/").await.text().contains("href=\"/sign-up\""));

        let invite = invite(&app, 1).await;
        let page = app.browser().get(&format!("/sign-up?invite={invite}")).await;
        assert!(page.status == 200 && page.text().contains(&format!("value=\"{invite}\"")));
        assert_eq!(page.header("referrer-policy"), "strict-origin", "the URL contains a token");
        assert_eq!(closed.header("referrer-policy"), "same-origin");
        assert_eq!(sign_up_with(&app, "ada", &invite).await.status, 200);
        assert_eq!(app.browser().post("/api/sign-up/start", form("eve", Some(&invite))).await.refusal(), required);
        assert_eq!(app.browser().get(&format!("/sign-up?invite={invite}")).await.status, 403);
    }
}

#[tokio::test]
async fn an_invitation_is_used_when_the_email_is_answered_and_expires() {
    for backends in Backends::ALL {
        let app = App::start_with_settings(backends, &[("SIGN_UP", "invite")]).await;
        let invite = invite(&app, 1).await;
        let (mut first, mut second) = (app.browser(), app.browser());
        let fields = [("username", "ada"), ("email", "ada@example.org"), ("invite", invite.as_str())];
        assert_eq!(first.form("/sign-up", &fields).await.status, 303);
        assert_eq!(second.post("/api/sign-up/email", form("eve", Some(&invite))).await.status, 202);
        let (to_first, to_second) = (app.email_to("ada@example.org").await, app.email_to("eve@example.org").await);
        assert_eq!(first.redeem_link(&to_first.token()).await.status, 200);
        let refused = second.redeem_link(&to_second.token()).await;
        assert_eq!(refused.refusal(), (403, "invitation_required".to_owned()));

        let late = self::invite(&app, 5).await;
        app.clock.advance(Duration::from_hours(1));
        let refused = app.browser().post("/api/sign-up/start", form("eve", Some(&late))).await;
        assert_eq!(refused.refusal(), (403, "invitation_required".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_invitation_with_two_uses_allows_two_of_many_concurrent_sign_ups() {
    for backends in Backends::ALL {
        let app = App::start_with_settings(backends, &[("SIGN_UP", "invite")]).await;
        let invite = invite(&app, 2).await;
        let mut ready = Vec::new();
        for number in 0..8 {
            let mut browser = app.browser();
            let name = format!("guest{number}");
            let options =
                browser.post("/api/sign-up/start", form(&name, Some(&invite))).await.json()["publicKey"].clone();
            let credential = SoftPasskey::new(&options).registration(&options, ORIGIN).json();
            ready.push((browser, json!({ "credential": credential })));
        }
        let tasks = ready.into_iter().map(|(mut browser, body)| {
            tokio::spawn(async move { browser.post("/api/sign-up/finish", body).await.status.as_u16() })
        });
        let mut statuses = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            statuses.push(task.await.unwrap());
        }
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 2, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 403].contains(status)), "{statuses:?}");
        assert_eq!(app.store.accounts(None, 100).await.unwrap().len(), 2, "no account is half created");
    }
}

#[tokio::test]
async fn users_can_still_sign_in_if_sign_up_is_off() {
    let app = App::start_with_settings(Backends::Embedded, &[("SIGN_UP", "off")]).await;
    let invite = invite(&app, 1).await;
    let off = (404, "sign_up_off".to_owned());
    for path in ["/api/sign-up/start", "/api/sign-up/email"] {
        assert_eq!(app.browser().post(path, form("ada", Some(&invite))).await.refusal(), off);
    }
    let page = app.browser().get("/sign-up").await;
    assert!(page.status == 404 && page.text().contains("Sign-up is closed"));
    let page = app.browser().get("/sign-in").await.text();
    assert!(page.contains("Sign in with a passkey") && !page.contains("New here?"));
}
