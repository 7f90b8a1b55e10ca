//! The provider's background jobs.

use super::relying_party::{change, provider, register};
use crate::app::Backends;
use latchkey::server::admin::ClientChange;
use latchkey::server::jobs::{cleanup, code_counts};
use latchkey::server::model::ApplicationId;
use latchkey::server::model::application::Audience;
use latchkey::server::model::oauth::ConsentRule;
use latchkey::server::model::oauth::code_count::{CodeCount, day};
use std::time::Duration;

#[tokio::test]
async fn codes_are_counted_when_issued_and_when_presented() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let party = register(&app, "photos", change()).await;
        let photos = ApplicationId::parse("photos").unwrap();
        let counts = async || {
            code_counts::write(app.state.core()).await.unwrap();
            app.state.clients().code_counts(app.now()).await.unwrap()
        };
        assert_eq!(counts().await, []);
        for _ in 0..3 {
            party.code(&mut browser, &[]).await;
        }
        let never = CodeCount { issued: 3, presented: 0 };
        assert_eq!(counts().await, [(photos.clone(), never)]);
        assert!(never.is_never_presented() && !CodeCount { issued: 2, presented: 0 }.is_never_presented());
        let code = party.code(&mut browser, &[]).await;
        assert_eq!(party.redeem(&app, &code).await.status, 200);
        let presented_once = CodeCount { issued: 4, presented: 1 };
        assert_eq!(counts().await, [(photos.clone(), presented_once)]);
        assert!(!presented_once.is_never_presented());
        app.clock.advance(Duration::from_hours(24));
        assert_eq!(counts().await, [], "the counts of another day");
        // A removed application is left out.
        let gone = ApplicationId::parse("gone").unwrap();
        app.store.add_code_count(&gone, day(app.now()), presented_once).await.unwrap();
        assert_eq!(counts().await, []);
    }
}

#[tokio::test]
async fn cleanup_ends_access_left_by_an_interrupted_change() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let client = ClientChange { consent: Some(ConsentRule::Never), ..change() };
        let party = register(&app, "photos", client).await;
        let token =
            party.sign_in(&app, &mut browser, &[("scope", "openid offline_access")]).await.refresh_token.unwrap();
        let photos = ApplicationId::parse("photos").unwrap();
        let change = async |who: Audience| {
            let mut unit = app.store.begin().await.unwrap();
            let mut application = unit.lock_application(&photos).await.unwrap().unwrap();
            application.policy.who = who;
            unit.change_application(&application).await.unwrap();
            unit.commit().await.unwrap();
        };
        // Only the change itself, as if the process had stopped right after its commit.
        change(Audience::Closed).await;
        cleanup::run_once(app.state.core()).await.unwrap();
        // Access is restored, so only the revoked grant can cause a refusal now.
        change(Audience::Everybody).await;
        assert_eq!(party.refresh(&app, &token).await.status, 400);
    }
}
