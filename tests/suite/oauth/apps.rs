//! `/apps`: a user's applications, and ending their access.

use super::relying_party::{change, client_redirect, provider, register, register_as, userinfo};
use crate::app::Backends;
use latchkey::server::admin::{ApplicationChange, ClientChange};

use latchkey::server::model::oauth::ConsentRule;

#[tokio::test]
async fn the_page_lists_the_users_applications_and_signs_out_of_them() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let page = browser.get("/apps").await.text();
        assert!(page.contains("No applications yet."), "{page}");
        let photos = register(&app, "photos", change()).await;
        register(&app, "wiki", change()).await;
        let closed = ApplicationChange { client: change(), ..ApplicationChange::default() };
        register_as(&app, "vault", closed).await;
        let tokens = photos.sign_in(&app, &mut browser, &[("scope", "openid offline_access")]).await;
        let page = browser.get("/apps").await.text();
        assert!(page.contains("App photos") && page.contains("App wiki") && !page.contains("App vault"), "{page}");
        assert!(
            page.contains("Signed in since") && page.contains("Last used") && page.contains("Not used yet."),
            "{page}"
        );
        let devices = browser.get("/account/devices").await.text();
        assert!(devices.contains("Signed in to App photos."), "{devices}");

        assert_eq!(browser.form("/apps", &[("action", "sign-out"), ("application", "wiki")]).await.status, 404);
        let answer = browser.form("/apps", &[("action", "sign-out"), ("application", "photos")]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/apps"));
        assert_eq!(userinfo(&app, &tokens.access_token).await.status, 401);
        assert_eq!(photos.refresh(&app, &tokens.refresh_token.unwrap()).await.status, 400);
        assert!(browser.get("/api/account/events").await.text().contains("application_signed_out"));
        assert!(browser.is_signed_in().await, "the session here continues");
        assert!(!browser.get("/apps").await.text().contains("Signed in since"));
        for wrong in [[("action", "x"), ("application", "photos")], [("action", "sign-out"), ("application", "../x")]] {
            assert!(browser.form("/apps", &wrong).await.status.is_client_error());
        }
        assert_eq!(app.browser().get("/apps").await.header("location"), "/sign-in?next=%2Fapps");
    }
}

#[tokio::test]
async fn consent_is_requested_again_after_it_was_withdrawn() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let party = register(&app, "photos", ClientChange { consent: Some(ConsentRule::Once), ..change() }).await;
        let page = party.authorize(&mut browser, &[("scope", "openid profile")]).await.unwrap_err().text();
        let user = page.split("name=\"user\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let address = format!("/oauth/continue/{}", browser.cookies["latchkey_pending"]);
        let answer = browser.form(&address, &[("action", "allow"), ("user", &user)]).await;
        let tokens = party.finish(&app, &client_redirect(&answer).unwrap(), &[]).await;
        let page = browser.get("/apps").await.text();
        assert!(page.contains("Your name and username") && page.contains("Withdraw access"), "{page}");
        browser.form("/apps", &[("action", "withdraw"), ("application", "photos")]).await;
        assert_eq!(userinfo(&app, &tokens.access_token).await.status, 401);
        assert!(party.authorize(&mut browser, &[("scope", "openid profile")]).await.is_err(), "asked again");
        assert!(browser.get("/api/account/events").await.text().contains("consent_withdrawn"));
    }
}
