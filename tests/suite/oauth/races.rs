//! Codes and refresh tokens under real concurrency, on one node and on two.

use super::relying_party::{RelyingParty, change, provider, register, register_as};
use crate::app::{App, Backends, Browser};
use latchkey::server::admin::{ApplicationChange, ClientChange};
use latchkey::server::model::application::Audience;
use latchkey::server::model::oauth::ConsentRule;
use latchkey::server::model::{ApplicationId, GroupName};
use latchkey::types::Identifier;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const MANY: usize = 20;

/// The app and a second node of it.
async fn nodes(app: App) -> Vec<Arc<App>> {
    let other = app.second().await;
    vec![Arc::new(app), Arc::new(other)]
}

/// Starts `count` concurrent attempts, on the nodes in turn.
fn spawn_attempts<F>(nodes: &[Arc<App>], count: usize, one: impl Fn(usize, Arc<App>) -> F) -> Vec<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    (0..count).map(|number| tokio::spawn(one(number, Arc::clone(&nodes[number % nodes.len()])))).collect()
}

/// Redeems codes concurrently while `meanwhile` runs on the first node; returns the refresh tokens that were issued.
async fn redeem_meanwhile(
    nodes: &[Arc<App>],
    (party, browser): (&RelyingParty, &mut Browser),
    meanwhile: impl AsyncFnOnce(&App),
) -> Vec<String> {
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(party.code(browser, &[("scope", "openid offline_access")]).await);
    }
    let attempts = spawn_attempts(nodes, codes.len(), |number, app| {
        let (party, code) = (party.clone(), codes[number].clone());
        async move { party.redeem(&app, &code).await }
    });
    meanwhile(&nodes[0]).await;
    let mut refresh = Vec::new();
    for answer in attempts {
        let answer = answer.await.unwrap();
        assert!([200, 400].contains(&answer.status.as_u16()), "{}", answer.text());
        refresh.extend(answer.json()["refresh_token"].as_str().map(str::to_owned));
    }
    refresh
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_concurrent_redemptions_of_a_code_on_two_nodes_at_most_one_gets_tokens() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let party = register(&app, "photos", change()).await;
        let code = party.code(&mut browser, &[]).await;
        let nodes = nodes(app).await;
        let attempts = spawn_attempts(&nodes, MANY, |_, app| {
            let (party, code) = (party.clone(), code.clone());
            async move { party.redeem(&app, &code).await.status.as_u16() }
        });
        let mut answers = Vec::new();
        for answer in attempts {
            answers.push(answer.await.unwrap());
        }
        let good = answers.iter().filter(|status| **status == 200).count();
        assert!(good <= 1, "{answers:?}");
        assert!(answers.iter().all(|status| [200, 400].contains(status)), "{answers:?}");
        assert_eq!(party.redeem(&nodes[1], &code).await.status, 400);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_survives_a_locked_database_but_expires_after_a_minute() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        let party = register(&app, "photos", change()).await;
        let nodes = nodes(app).await;
        // Redis uses its own clock, which a test cannot move.
        let waits: &[_] = if matches!(backends, Backends::Embedded) { &[(0, 200), (61, 400)] } else { &[(0, 200)] };
        for &(wait, expected) in waits {
            let code = party.code(&mut browser, &[]).await;
            let mut unit = nodes[1].store.begin().await.unwrap();
            unit.lock_user(ada.id).await.unwrap();
            assert_eq!(party.redeem(&nodes[0], &code).await.status, 503);
            drop(unit);
            nodes[0].clock.advance(Duration::from_secs(wait));
            assert_eq!(party.redeem(&nodes[0], &code).await.status, expected, "after {wait} s");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_concurrent_refreshes_on_two_nodes_all_get_the_same_successor() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let client =
            ClientChange { is_public: Some(true), requires_pkce: None, consent: Some(ConsentRule::Never), ..change() };
        let party = register(&app, "photos", client).await;
        let token =
            party.sign_in(&app, &mut browser, &[("scope", "openid offline_access")]).await.refresh_token.unwrap();
        let nodes = nodes(app).await;
        let attempts = spawn_attempts(&nodes, MANY, |_, app| {
            let (party, token) = (party.clone(), token.clone());
            async move { party.refresh(&app, &token).await }
        });
        let mut successors = BTreeSet::new();
        for answer in attempts {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            successors.insert(answer.json()["refresh_token"].as_str().unwrap().to_owned());
        }
        assert_eq!(successors.len(), 1);
    }
}

/// Sends both the token and its successor, as a client and a thief would.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stolen_token_used_concurrently_on_two_nodes_ends_its_grant_without_an_outage() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let client =
            ClientChange { is_public: Some(true), requires_pkce: None, consent: Some(ConsentRule::Never), ..change() };
        let party = register(&app, "photos", client).await;
        let nodes = nodes(app).await;
        for _ in 0..3 {
            let offline = [("scope", "openid offline_access")];
            let first = party.sign_in(&nodes[0], &mut browser, &offline).await.refresh_token.unwrap();
            let second = party.refresh(&nodes[0], &first).await.json()["refresh_token"].as_str().unwrap().to_owned();
            let attempts = spawn_attempts(&nodes, MANY, |number, app| {
                let token = if number % 4 < 2 { &second } else { &first };
                let (party, token) = (party.clone(), token.clone());
                async move { party.refresh(&app, &token).await.status.as_u16() }
            });
            for answer in attempts {
                assert!([200, 400].contains(&answer.await.unwrap()));
            }
            assert_eq!(party.refresh(&nodes[0], &second).await.status, 400);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_that_is_disabled_while_codes_are_redeemed_keeps_no_grant() {
    for backends in Backends::ALL {
        let app = provider(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let party = register(&app, "photos", change()).await;
        let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        let nodes = nodes(app).await;
        let refresh = redeem_meanwhile(&nodes, (&party, &mut browser), async |app| {
            app.state.administration().set_disabled(ada.id, true).await.unwrap();
        })
        .await;
        // Enabled directly in the database, so only revoked grants can cause a refusal now.
        let mut unit = nodes[0].store.begin().await.unwrap();
        unit.set_disabled(ada.id, None).await.unwrap();
        unit.commit().await.unwrap();
        for token in refresh {
            assert_eq!(party.refresh(&nodes[1], &token).await.status, 400, "a grant outlived the disabled account");
        }
    }
}

/// The changes by which a user loses access to an application.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Left,
    GroupRemoved,
    Narrowed,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn access_lost_while_codes_are_redeemed_leaves_no_grant_and_no_deadlock() {
    for backends in Backends::ALL {
        for loss in [Loss::Left, Loss::GroupRemoved, Loss::Narrowed] {
            let app = provider(backends).await;
            let mut browser = app.browser();
            browser.sign_up("ada").await;
            let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
            let family = GroupName::parse("family").unwrap();
            app.state.groups().put(&family, None, None).await.unwrap();
            app.state.groups().join(&ada, &family).await.unwrap();
            let open =
                ApplicationChange { who: Audience::parse("family"), client: change(), ..ApplicationChange::default() };
            let party = register_as(&app, "photos", open).await;
            let photos = ApplicationId::parse("photos").unwrap();
            let nodes = nodes(app).await;
            let audience = |who: &str| ApplicationChange { who: Audience::parse(who), ..ApplicationChange::default() };
            let refresh = redeem_meanwhile(&nodes, (&party, &mut browser), async |app| match loss {
                Loss::Left => assert!(app.state.groups().leave(&ada, &family).await.unwrap()),
                Loss::GroupRemoved => app.state.groups().remove(&family).await.unwrap(),
                Loss::Narrowed => {
                    drop(app.state.applications().edit(&photos, audience(Audience::CLOSED)).await.unwrap());
                }
            })
            .await;
            // Access is restored, so only revoked grants can cause a refusal now.
            nodes[0].state.applications().edit(&photos, audience("everybody")).await.unwrap();
            for token in refresh {
                assert_eq!(party.refresh(&nodes[1], &token).await.status, 400, "{loss:?}: a grant outlived the access");
            }
            assert_eq!(nodes[0].deadlocks().await, 0, "{loss:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_create_keys_concurrently_create_one_set() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.add_rsa_key().await;
        let nodes = nodes(app).await;
        let tasks = spawn_attempts(&nodes, 8, |_, app| async move { app.state.signing_keys().maintain().await });
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(nodes[0].state.signing_keys().list().await.unwrap().len(), 3);
        let sets = [&nodes[0], &nodes[1]].map(|app| app.state.signing_keys().current().unwrap());
        assert_eq!(sets[0].permanent_key().0, sets[1].permanent_key().0, "one permanent key");
    }
}
