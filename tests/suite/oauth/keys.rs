//! Signing keys as administrators see them: rotated, revoked, re-encrypted under a new secret key, and lost.

use super::relying_party::{change, provider, published_keys, register};
use crate::app::Backends;
use latchkey::server::model::signing_key::Phase;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn keys_rotate_automatically_every_thirty_days_and_retired_ones_leave_the_key_set() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let keys = app.state.signing_keys();
        let first: Vec<_> = published_keys(&app).await.into_iter().map(|(id, _)| id).collect();
        app.clock.advance(29 * DAY);
        app.add_next_rsa_key().await;
        keys.maintain().await.unwrap();
        assert_eq!(published_keys(&app).await.len(), 6, "the next ones are published a day before they sign");
        app.clock.advance(DAY);
        keys.maintain().await.unwrap();
        let phases: Vec<_> = keys.list().await.unwrap().into_iter().map(|(_, phase)| phase).collect();
        assert_eq!(phases.iter().filter(|phase| **phase == Phase::Current).count(), 3, "{phases:?}");
        assert_eq!(phases.iter().filter(|phase| **phase == Phase::Previous).count(), 3, "{phases:?}");
        app.clock.advance(DAY + Duration::from_mins(2));
        keys.maintain().await.unwrap();
        let now: Vec<_> = published_keys(&app).await.into_iter().map(|(id, _)| id).collect();
        assert!(now.len() == 3 && now.iter().all(|id| !first.contains(id)), "{now:?}");
        let stored = app.store.signing_keys().await.unwrap();
        let private = |id| stored.iter().find(|key| key.id == id).unwrap().private.is_some();
        assert!(first.into_iter().all(|id| !private(id)), "a retired key has no private part");
    }
}

#[tokio::test]
async fn a_revoked_key_is_removed_at_once_and_another_one_signs() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let algorithm = Some(latchkey::server::jose::Algorithm::Es256);
        let party = register(&app, "photos", latchkey::server::admin::ClientChange { algorithm, ..change() }).await;
        let before = party.sign_in(&app, &mut browser, &[]).await.id_token;
        let (id, _) =
            published_keys(&app).await.into_iter().find(|(_, key)| key.algorithm() == party.algorithm).unwrap();
        let keys = app.state.signing_keys();
        assert!(keys.revoke(&id).await.unwrap());
        keys.maintain().await.unwrap();
        assert!(published_keys(&app).await.iter().all(|(known, _)| *known != id));
        party.sign_in(&app, &mut browser, &[]).await;
        let client_redirect = party
            .authorize(&mut browser, &[("id_token_hint", &before)])
            .await
            .unwrap_or_else(|page| panic!("{}", page.text()));
        assert_eq!(client_redirect.parameters["error"], "invalid_request", "a revoked key verifies no hint");
        assert!(!keys.revoke(&latchkey::server::jose::KeyId::from_text("none")).await.unwrap());
    }
}

#[tokio::test]
async fn keys_are_re_encrypted_under_the_current_secret_key_and_a_node_without_it_cannot_start() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let before = app.store.signing_keys().await.unwrap();
        let other = app.another_node_with(&[("SECRET_KEY", "another secret key of more than 32 bytes")]).await;
        let refused = other.state.signing_keys().read().await.unwrap_err().to_string();
        assert!(refused.contains("SECRET_KEY"), "{refused}");
        assert!(other.state.signing_keys().maintain().await.is_err(), "it creates no second set");
        // A key that only this secret key decrypts would keep every other node from starting.
        let refused = other.state.signing_keys().rotate().await.unwrap_err().to_string();
        assert!(refused.contains("SECRET_KEY"), "{refused}");
        assert!(other.state.signing_keys().revoke(&before[0].id).await.is_err(), "it would also create a key");
        assert_eq!(app.store.signing_keys().await.unwrap(), before);
        let former = app.setting("SECRET_KEY");
        let settings =
            [("SECRET_KEY", "another secret key of more than 32 bytes"), ("SECRET_KEY_PREVIOUS", former.as_str())];
        let rotated = app.another_node_with(&settings).await;
        rotated.state.signing_keys().maintain().await.unwrap();
        let after = app.store.signing_keys().await.unwrap();
        assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.id, after.id);
            assert_ne!(before.private.as_ref().unwrap().by, after.private.as_ref().unwrap().by);
        }
        other.state.signing_keys().read().await.unwrap();
        let permanent =
            [&rotated, &other].map(|app| app.state.signing_keys().current().unwrap().permanent_key().0.clone());
        assert_eq!(permanent[0], permanent[1]);
    }
}

#[tokio::test]
async fn a_lost_key_set_is_replaced_only_with_force() {
    let app = provider(Backends::Embedded).await;
    let lost = app.another_node_with(&[("SECRET_KEY", "another secret key of more than 32 bytes")]).await;
    assert!(lost.state.signing_keys().read().await.is_err(), "the server does not start");
    assert!(lost.state.signing_keys().rotate().await.is_err(), "without force");
    assert_eq!(lost.state.signing_keys().replace().await.unwrap().len(), 3);
    lost.state.signing_keys().maintain().await.unwrap();
    assert_eq!(published_keys(&lost).await.len(), 3);
    let phases: Vec<_> = lost.state.signing_keys().list().await.unwrap().into_iter().map(|(_, phase)| phase).collect();
    assert_eq!(phases.iter().filter(|phase| **phase == Phase::Revoked).count(), 3);
}
