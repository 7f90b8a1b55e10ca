//! Tests of application access with real sessions.

use crate::app::{App, Backends, Browser};
use latchkey::server::access::{Reason, Verdict};
use latchkey::server::admin::{ApplicationChange, Setting};
use latchkey::server::auth::NewInvitation;
use latchkey::server::model::application::{Audience, RequiredMethod};
use latchkey::server::model::{ApplicationId, GroupName};
use latchkey::types::{DisplayName, Identifier};
use serde_json::json;
use std::time::Duration;

fn id(text: &str) -> ApplicationId {
    ApplicationId::parse(text).unwrap()
}

fn group(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

async fn add(app: &App, name: &str, who: &str, method: RequiredMethod) {
    let change = ApplicationChange { who: Audience::parse(who), method: Some(method), ..ApplicationChange::default() };
    let name = DisplayName::parse(name).unwrap();
    app.state.applications().add(id(name.as_str()), name, change).await.unwrap();
}

/// Returns whether the user signed in to `browser` may use an application.
async fn verdict(app: &App, browser: &Browser, application: &str) -> Verdict {
    let token = latchkey::server::secret::Token::from_link(&browser.cookies["latchkey_session"]).unwrap();
    let (session, user) = app.store.session(&token.hash()).await.unwrap().unwrap();
    app.state.access().check(&user, &session, &id(application)).await.unwrap().unwrap().1
}

#[tokio::test]
async fn access_needs_the_group_and_a_passkey_and_ends_when_the_user_leaves() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        let title = DisplayName::parse("Family").unwrap();
        app.state.groups().put(&group("family"), Some(title), None).await.unwrap();
        add(&app, "photos", "family", RequiredMethod::Passkey).await;
        assert_eq!(verdict(&app, &own, "photos").await, Verdict::Refused(Reason::NotInAudience));
        let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        assert!(app.state.groups().join(&ada, &group("family")).await.unwrap());
        assert_eq!(verdict(&app, &own, "photos").await, Verdict::Allowed);

        let mut by_email = app.browser();
        by_email.sign_in_by_email(&app, "ada").await;
        assert_eq!(verdict(&app, &by_email, "photos").await, Verdict::Refused(Reason::NeedsPasskey));
        add(&app, "wiki", "everybody", RequiredMethod::Any).await;
        assert_eq!(verdict(&app, &by_email, "wiki").await, Verdict::Allowed);

        let change =
            ApplicationChange { max_age: Setting::Set(Duration::from_mins(5)), ..ApplicationChange::default() };
        app.state.applications().edit(&id("photos"), change).await.unwrap();
        app.clock.advance(Duration::from_secs(301));
        assert_eq!(verdict(&app, &own, "photos").await, Verdict::Refused(Reason::TooOld));
        assert!(app.state.groups().leave(&ada, &group("family")).await.unwrap());
        assert_eq!(verdict(&app, &own, "photos").await, Verdict::Refused(Reason::NotInAudience));
        let access = app.state.access();
        let (session, user) = {
            let token = latchkey::server::secret::Token::from_link(&own.cookies["latchkey_session"]).unwrap();
            app.store.session(&token.hash()).await.unwrap().unwrap()
        };
        assert_eq!(access.check(&user, &session, &id("none")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_passkey_added_by_email_counts_as_email_until_its_probation_ends() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up_verified(&app, "ada").await;
        add(&app, "vault", "everybody", RequiredMethod::Passkey).await;
        add(&app, "wiki", "everybody", RequiredMethod::Any).await;
        let mut other = app.browser();
        other.sign_in_by_email(&app, "ada").await;
        let (added, _) = other.add_passkey().await;
        let mut with_it = app.browser();
        with_it.sign_in(&added).await;
        assert_eq!(verdict(&app, &with_it, "vault").await, Verdict::Refused(Reason::NeedsPasskey));
        assert_eq!(verdict(&app, &with_it, "wiki").await, Verdict::Allowed);
        app.clock.advance(Duration::from_hours(72));
        let mut later = app.browser();
        later.sign_in(&added).await;
        assert_eq!(verdict(&app, &later, "vault").await, Verdict::Allowed);
    }
}

#[tokio::test]
async fn a_recovery_session_cannot_use_applications() {
    let app = App::start_with_settings(Backends::Embedded, &[("EMAIL_SIGN_IN", "recovery-only")]).await;
    app.browser().sign_up_verified(&app, "ada").await;
    add(&app, "wiki", "everybody", RequiredMethod::Any).await;
    let mut by_email = app.browser();
    by_email.sign_in_by_email(&app, "ada").await;
    assert_eq!(verdict(&app, &by_email, "wiki").await, Verdict::Refused(Reason::SignInTooWeak));

    let app = App::start(Backends::Embedded).await;
    app.browser().sign_up_verified(&app, "ada").await;
    add(&app, "wiki", "everybody", RequiredMethod::Any).await;
    let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
    let link = app.state.administration().make_sign_in_link(ada.id).await.unwrap().unwrap();
    let mut by_link = app.browser();
    by_link.redeem_link(&link.encode()).await;
    assert_eq!(verdict(&app, &by_link, "wiki").await, Verdict::Refused(Reason::SignInTooWeak));
}

#[tokio::test]
async fn an_invitation_adds_groups_and_each_use_counts() {
    for sign_up in ["open", "invite"] {
        let app = App::start_with_settings(Backends::Embedded, &[("SIGN_UP", sign_up)]).await;
        for (name, is_default) in [("family", false), ("everyone", true)] {
            let title = DisplayName::parse(name).unwrap();
            app.state.groups().put(&group(name), Some(title), Some(is_default)).await.unwrap();
        }
        let terms = |groups: &[&str]| NewInvitation {
            note: None,
            uses: 1,
            life: Duration::from_hours(1),
            groups: groups.iter().map(|name| group(name)).collect(),
        };
        let unknown = app.state.invitations().create(terms(&["family", "ghosts"])).await.unwrap();
        assert_eq!(unknown.err(), Some(group("ghosts")));
        let (_, link) = app.state.invitations().create(terms(&["family"])).await.unwrap().unwrap();
        let groups_of = async |name: &str| {
            let user = app.store.account_by_identifier(&Identifier::parse(name).unwrap()).await.unwrap().unwrap();
            let groups = app.store.groups_of(user.id).await.unwrap();
            groups.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let sign_up_with = async |name: &str| {
            let mut browser = app.browser();
            let form = json!({ "username": name, "email": format!("{name}@example.org"), "invite": link.encode() });
            let started = browser.post("/api/sign-up/start", form).await;
            if started.status != 200 {
                return started.status.as_u16();
            }
            let options = started.json()["publicKey"].clone();
            let credential =
                crate::authenticator::SoftPasskey::new(&options).registration(&options, &app.origin).json();
            browser.post("/api/sign-up/finish", json!({ "credential": credential })).await.status.as_u16()
        };
        assert_eq!(sign_up_with("ada").await, 200, "{sign_up}");
        assert_eq!(groups_of("ada").await, ["everyone", "family"], "{sign_up}");
        let again = sign_up_with("eve").await;
        assert_eq!(again, if sign_up == "open" { 200 } else { 403 });
        if sign_up == "open" {
            assert_eq!(groups_of("eve").await, ["everyone"], "its only use is spent");
        }
    }
}
