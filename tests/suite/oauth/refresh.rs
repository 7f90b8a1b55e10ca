//! Refresh tokens: fixed for confidential applications, rotated for public ones, and revoked on reuse.

use super::relying_party::{RelyingParty, change, oauth_error, provider, register, userinfo};
use crate::app::{App, Backends, Browser};
use latchkey::server::admin::ClientChange;
use latchkey::server::jobs::code_counts;
use latchkey::server::model::oauth::ConsentRule;
use latchkey::server::model::oauth::code_count::day;
use latchkey::server::model::oauth::grant::MAX_REFRESH_TOKENS;
use latchkey::server::secret::Token;
use std::time::Duration;

const OFFLINE: [(&str, &str); 1] = [("scope", "openid email offline_access")];

async fn with_token(backends: Backends, is_public: bool) -> (App, Browser, RelyingParty, String) {
    let app = provider(backends).await;
    let mut browser = app.browser();
    browser.sign_up_verified(&app, "ada").await;
    let client =
        ClientChange { is_public: Some(is_public), requires_pkce: None, consent: Some(ConsentRule::Never), ..change() };
    let party = register(&app, "photos", client).await;
    let token = party.sign_in(&app, &mut browser, &OFFLINE).await.refresh_token.unwrap();
    (app, browser, party, token)
}

fn text(answer: &crate::app::Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

#[tokio::test]
async fn the_token_of_a_confidential_application_expires_after_thirty_unused_days_or_a_year() {
    for backends in Backends::ALL {
        let (app, _, party, token) = with_token(backends, false).await;
        for _ in 0..12 {
            app.clock.advance(Duration::from_hours(29 * 24));
            assert_eq!(text(&party.refresh(&app, &token).await, "refresh_token"), token);
        }
        app.clock.advance(Duration::from_hours(29 * 24));
        assert_eq!(oauth_error(&party.refresh(&app, &token).await).1, "invalid_grant", "after a year");
        let (app, _, party, token) = with_token(backends, false).await;
        app.clock.advance(Duration::from_hours(30 * 24 + 1));
        assert_eq!(oauth_error(&party.refresh(&app, &token).await).1, "invalid_grant", "unused for 30 days");
    }
}

#[tokio::test]
async fn a_public_application_gets_the_same_successor_again_for_a_minute_while_it_is_unused() {
    for backends in Backends::ALL {
        let (app, _, party, first) = with_token(backends, true).await;
        let second = text(&party.refresh(&app, &first).await, "refresh_token");
        assert_ne!(second, first);
        app.clock.advance(Duration::from_secs(59));
        assert_eq!(text(&party.refresh(&app, &first).await, "refresh_token"), second, "the response was lost");
        let third = text(&party.refresh(&app, &second).await, "refresh_token");
        assert_ne!(third, second);
        assert_eq!(text(&party.refresh(&app, &third).await, "token_type"), "Bearer");
    }
}

#[tokio::test]
async fn a_token_used_by_two_parties_ends_its_grant_and_is_recorded_in_the_activity() {
    for backends in Backends::ALL {
        for late in [false, true] {
            let (app, mut browser, party, first) = with_token(backends, true).await;
            let answer = party.refresh(&app, &first).await;
            let (access, second) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
            let other = party.sign_in(&app, &mut browser, &OFFLINE).await;
            if late {
                app.clock.advance(Duration::from_secs(61));
            } else {
                assert_eq!(party.refresh(&app, &second).await.status, 200, "the successor is used");
            }
            assert_eq!(oauth_error(&party.refresh(&app, &first).await).1, "invalid_grant");
            assert_eq!(oauth_error(&party.refresh(&app, &second).await).1, "invalid_grant", "the family has ended");
            assert_eq!(userinfo(&app, &access).await.status, 401);
            assert_eq!(userinfo(&app, &other.access_token).await.status, 200, "and no other grant");
            let events = browser.get("/api/account/events").await.text();
            assert!(events.contains("refresh_token_reused"), "{events}");
        }
    }
}

#[tokio::test]
async fn an_access_token_may_have_fewer_scopes_than_the_grant_and_no_more() {
    let (app, _, party, token) = with_token(Backends::Embedded, false).await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let narrow = party.post(&app, "/oauth/token", &[fields[0], fields[1], ("scope", "openid")]).await;
    let info = userinfo(&app, &text(&narrow, "access_token")).await.json();
    assert_eq!((info.get("email"), text(&narrow, "scope").as_str()), (None, "openid"));
    for wrong in ["openid profile", "unknown", "offline_access"] {
        let answer = party.post(&app, "/oauth/token", &[fields[0], fields[1], ("scope", wrong)]).await;
        assert_eq!(oauth_error(&answer).1, "invalid_scope", "{wrong}");
    }
    let wide = party.refresh(&app, &token).await;
    assert_eq!(userinfo(&app, &text(&wide, "access_token")).await.json()["email"], "ada@example.org");
}

#[tokio::test]
async fn expired_tokens_and_ended_grants_are_removed() {
    for backends in Backends::ALL {
        let (app, mut browser, party, _) = with_token(backends, false).await;
        party.sign_in(&app, &mut browser, &[]).await;
        let later = app.now().plus(Duration::from_hours(24));
        assert!(app.store.remove_expired_access_tokens(later, 100).await.unwrap() >= 2);
        assert_eq!(app.store.remove_ended_grants(later, 100).await.unwrap(), 1);
        assert_eq!(app.store.remove_ended_grants(later.plus(Duration::from_hours(30 * 24)), 100).await.unwrap(), 1);
        assert_eq!(app.store.remove_old_mismatches(later, 100).await.unwrap(), 0);
        code_counts::write(app.state.core()).await.unwrap();
        let today = day(app.now());
        assert_eq!(app.store.remove_old_code_counts(today, 100).await.unwrap(), 0);
        assert_eq!(app.store.remove_old_code_counts(today + 1, 100).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_grant_remembers_its_latest_refresh_tokens() {
    for backends in Backends::ALL {
        let (app, _, party, mut token) = with_token(backends, true).await;
        let mut tokens = Vec::new();
        for _ in 0..MAX_REFRESH_TOKENS + 5 {
            app.clock.advance(Duration::from_secs(1));
            let next = text(&party.refresh(&app, &token).await, "refresh_token");
            tokens.push(std::mem::replace(&mut token, next));
        }
        let mut known = 0;
        for token in &tokens {
            let hash = Token::decode(token).unwrap().hash();
            known += u32::from(app.store.refresh_token(&hash, app.now()).await.unwrap().is_some());
        }
        assert_eq!(known, MAX_REFRESH_TOKENS - 1, "all but the current, unused one");
        assert_eq!(oauth_error(&party.refresh(&app, &tokens[0]).await).1, "invalid_grant");
        token = text(&party.refresh(&app, &token).await, "refresh_token");
        assert_eq!(oauth_error(&party.refresh(&app, tokens.last().unwrap()).await).1, "invalid_grant");
        assert_eq!(oauth_error(&party.refresh(&app, &token).await).1, "invalid_grant", "reuse ends the grant");
    }
}
