//! Rule 19: a username that an application saw is never given to another user.

use super::relying_party::{change, provider, register};
use crate::app::{App, Backends, Browser};
use latchkey::types::Identifier;
use serde_json::json;
use std::time::Duration;

const YEAR: Duration = Duration::from_hours(366 * 24);

async fn may_sign_up(app: &App, name: &str) -> bool {
    let answer = app
        .browser()
        .post("/api/sign-up/start", json!({ "username": name, "email": format!("{name}@example.org") }))
        .await;
    assert!(answer.status == 200 || answer.refusal().1 == "username_taken", "{}", answer.text());
    answer.status == 200
}

async fn rename(browser: &mut Browser, name: &str) -> u16 {
    browser.post("/api/account/update", json!({ "username": name })).await.status.as_u16()
}

async fn delete(browser: &mut Browser, name: &str) {
    assert_eq!(browser.post("/api/account/delete", json!({ "username": name })).await.status, 200);
}

#[tokio::test]
async fn a_name_that_an_application_saw_is_reserved_forever_and_others_for_thirty_days() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let party = register(&app, "photos", change()).await;
        let (mut ada, mut eve, mut bea) = (app.browser(), app.browser(), app.browser());
        let passkey = ada.sign_up("ada").await;
        eve.sign_up("eve").await;
        bea.sign_up("bea").await;
        party.sign_in(&app, &mut ada, &[("scope", "openid profile")]).await;
        party.sign_in(&app, &mut bea, &[("scope", "openid")]).await;

        assert_eq!(rename(&mut ada, "lovelace").await, 200);
        let user = app.store.account_by_identifier(&Identifier::parse("lovelace").unwrap()).await.unwrap().unwrap();
        delete(&mut eve, "eve").await;
        delete(&mut bea, "bea").await;
        app.clock.advance(YEAR);
        while app.store.remove_expired_names(app.now(), 100).await.unwrap() > 0 {}
        for (name, is_free) in [("ada", false), ("ADA", false), ("eve", true), ("bea", true)] {
            assert_eq!(may_sign_up(&app, name).await, is_free, "{name}");
        }
        assert_eq!(rename(&mut app.browser(), "ada").await, 401);
        let mut other = app.browser();
        other.sign_up("zoe").await;
        assert_eq!(rename(&mut other, "ada").await, 409, "no other user can rename to it either");
        ada.sign_in(&passkey).await;
        assert_eq!(rename(&mut ada, "ada").await, 200, "its owner can");
        assert_eq!(rename(&mut ada, "lovelace").await, 200, "the next name is reserved, too");

        delete(&mut ada, "lovelace").await;
        app.clock.advance(YEAR);
        while app.store.remove_expired_names(app.now(), 100).await.unwrap() > 0 {}
        for name in ["ada", "lovelace"] {
            assert!(!may_sign_up(&app, name).await, "{name}");
        }
        let mut held = Vec::new();
        app.store
            .export_rows(&mut |line| {
                if line.table.name == "held_usernames" {
                    held.push(format!("{line:?}"));
                }
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(held.len(), 2, "{held:?}");
        assert!(held.iter().all(|row| !row.contains(&user.id.0.to_string())), "only the hash is left: {held:?}");
    }
}
