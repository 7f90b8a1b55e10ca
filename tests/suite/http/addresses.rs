//! Tests of address confirmation, which only the account that requested it can complete.

use crate::app::{App, Backends};
use serde_json::json;
use std::time::Duration;

const PATH: &str = "/api/account/email/confirm";

#[tokio::test]
async fn sign_up_sends_an_email_that_confirms_the_address() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for by_code in [false, true] {
            let name = if by_code { "ada" } else { "eve" };
            let mut browser = app.browser();
            browser.sign_up(name).await;
            let email = app.email_to(&format!("{name}@example.org")).await;
            let body = if by_code { json!({ "code": email.code() }) } else { json!({ "token": email.token() }) };
            let answer = browser.post(PATH, body.clone()).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.json()["user"]["email_verified"], true);
            assert_eq!(browser.post(PATH, body).await.refusal(), (401, "link_expired".to_owned()), "it works once");
            assert_eq!(browser.get("/api/session").await.json()["user"]["email_verified"], true);
        }
    }
}

#[tokio::test]
async fn other_users_cannot_confirm_an_address_or_use_up_its_token() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut ada = app.browser();
        let passkey = ada.sign_up("ada").await;
        let email = app.email_to("ada@example.org").await;
        let mut eve = app.browser();
        eve.sign_up("eve").await;
        let token = json!({ "token": email.token() });
        assert_eq!(eve.post(PATH, token.clone()).await.refusal(), (409, "other_account".to_owned()));
        assert_eq!(app.browser().post(PATH, token.clone()).await.refusal(), (401, "signed_out".to_owned()));
        assert_eq!(ada.redeem_link(&email.token()).await.refusal().1, "link_expired", "the link has another purpose");
        assert_eq!(ada.redeem_code(&email.code()).await.refusal().1, "link_expired");

        let mut elsewhere = app.browser();
        elsewhere.sign_in(&passkey).await;
        let code = json!({ "code": email.code() });
        assert_eq!(elsewhere.post(PATH, code).await.refusal().1, "link_expired", "a code needs the requesting browser");
        assert_eq!(elsewhere.post(PATH, token).await.status, 200, "the link works wherever the account is signed in");
    }
}

#[tokio::test]
async fn a_sign_in_email_does_not_confirm_an_address() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up_verified(&app, "ada").await;
    browser.request_sign_in_email("ada").await;
    let email = app.email_to("ada@example.org").await;
    let answer = browser.post(PATH, json!({ "token": email.token() })).await;
    assert_eq!(answer.refusal(), (401, "link_expired".to_owned()));
}

#[tokio::test]
async fn wrong_codes_are_counted_and_malformed_bodies_are_refused() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    for body in [json!({}), json!({ "token": "x", "code": "y" }), json!({ "token": 1 }), json!({ "code": 123_456 })] {
        assert_eq!(browser.post(PATH, body).await.refusal(), (400, "bad_request".to_owned()));
    }
    let email = app.email_to("ada@example.org").await;
    for tries_left in [4, 3, 2, 1, 0] {
        let answer = browser.post(PATH, json!({ "code": email.wrong_code() })).await;
        assert_eq!(answer.refusal(), (401, "code_wrong".to_owned()));
        assert_eq!(answer.json()["error"]["tries_left"], tries_left);
    }
    for body in [json!({ "code": email.code() }), json!({ "token": email.token() })] {
        assert_eq!(browser.post(PATH, body).await.refusal(), (401, "link_expired".to_owned()));
    }
}

#[tokio::test]
async fn a_confirmation_expires_after_a_day() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let passkey = browser.sign_up("ada").await;
    let email = app.email_to("ada@example.org").await;
    app.clock.advance(Duration::from_hours(24));
    browser.sign_in(&passkey).await;
    let answer = browser.post(PATH, json!({ "token": email.token() })).await;
    assert_eq!(answer.refusal(), (401, "link_expired".to_owned()));
}

#[tokio::test]
async fn confirming_an_address_silently_voids_the_claims_of_other_accounts() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut eve = app.browser();
        eve.sign_up_with_email("eve", "ADA@example.org").await;
        let eves = app.email_to("ADA@example.org").await;
        let before = eve.get("/api/session").await.json()["user"].clone();

        app.browser().sign_up_verified(&app, "ada").await;
        assert_eq!(eve.get("/api/session").await.json()["user"], before, "nothing has changed for Eve");
        let guess = eve.post(PATH, json!({ "code": eves.wrong_code() })).await;
        assert_eq!(guess.refusal(), (401, "code_wrong".to_owned()));
        for answer in [json!({ "code": eves.code() }), json!({ "token": eves.token() })] {
            let answer = eve.post(PATH, answer).await;
            assert_eq!(
                answer.refusal(),
                (409, "address_taken".to_owned()),
                "only a reader of the mailbox gets this answer"
            );
        }
    }
}

#[tokio::test]
async fn an_address_stays_with_the_account_that_confirmed_it_first() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        app.browser().sign_up_verified(&app, "ada").await;
        let mut eve = app.browser();
        eve.sign_up_with_email("eve", "ada@EXAMPLE.org").await;
        let email = app.email_to("ada@EXAMPLE.org").await;
        let answer = eve.post(PATH, json!({ "token": email.token() })).await;
        assert_eq!(answer.refusal(), (409, "address_taken".to_owned()));
        let mut browser = app.browser();
        browser.request_sign_in_email("ada@example.org").await;
        let email = app.email_to("ada@example.org").await;
        assert_eq!(browser.redeem_link(&email.token()).await.json()["user"]["username"], "ada");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_confirmations_of_an_address_succeeds() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for round in 0..5 {
            let mut rivals = Vec::new();
            for rival in 0..4 {
                let mut browser = app.browser();
                let email = format!("{}@example{round}.org", if rival % 2 == 0 { "same" } else { "SAME" });
                browser.sign_up_with_email(&format!("ada{round}-{rival}"), &email).await;
                let token = app.emails().await[0].token();
                rivals.push((browser, token));
            }
            let proofs = rivals.into_iter().map(|(mut browser, token)| {
                tokio::spawn(async move { browser.post(PATH, json!({ "token": token })).await })
            });
            let mut winners = 0;
            for proof in proofs.collect::<Vec<_>>() {
                let answer = proof.await.unwrap();
                match answer.status.as_u16() {
                    200 => winners += 1,
                    _ => assert_eq!(answer.refusal(), (409, "address_taken".to_owned())),
                }
            }
            assert_eq!(winners, 1, "{backends:?}");
        }
    }
}

#[tokio::test]
async fn the_link_page_changes_nothing_and_returns_after_sign_in() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let passkey = browser.sign_up("ada").await;
    let email = app.email_to("ada@example.org").await;
    let path = format!("/email/confirm?token={}", email.token());
    for _ in 0..2 {
        let page = browser.get(&path).await;
        assert!(page.status == 200 && page.text().contains("ada@example.org"));
        assert_eq!(page.header("referrer-policy"), "strict-origin");
    }
    let stranger = app.browser().get(&path).await;
    assert_eq!((stranger.status.as_u16(), stranger.header("location")), (303, "/sign-in?next=/email/confirm"));
    let mut back = app.browser();
    back.get(&path).await;
    back.sign_in(&passkey).await;
    let page = back.get("/email/confirm").await;
    assert!(page.status == 200 && page.text().contains("ada@example.org"), "the token was kept in a cookie");
    let mut eve = app.browser();
    eve.sign_up("eve").await;
    assert_eq!(eve.get(&path).await.status, 409);
    assert_eq!(browser.get("/api/session").await.json()["user"]["email_verified"], false);

    let answer = browser.form("/email/confirm", &[("token", &email.token())]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account"));
    assert!(browser.get("/account").await.text().contains("Your email address is confirmed."));
}

#[tokio::test]
async fn plain_forms_say_why_an_address_was_not_confirmed() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let email = app.email_to("ada@example.org").await;
    let stranger = app.browser().form("/email/confirm", &[("token", &email.token())]).await;
    assert_eq!((stranger.status.as_u16(), stranger.header("location")), (303, "/sign-in?next=/email/confirm"));
    let stranger = app.browser().form("/account", &[("action", "decline")]).await;
    assert!(stranger.header("location").starts_with("/sign-in?next=%2Faccount%3Fcontinue%3D"));
    let mut eve = app.browser();
    eve.sign_up("eve").await;
    eve.form("/email/confirm", &[("token", &email.token())]).await;
    assert!(eve.get("/account/profile").await.text().contains("This email is for another account."));
    browser.form("/email/confirm", &[("code", &email.wrong_code())]).await;
    let page = browser.get("/account/profile").await.text();
    assert!(page.contains("aria-invalid=\"true\"") && page.contains("This code is wrong."), "{page}");
    assert!(!page.contains("role=\"status\""), "the error is shown only next to the field");
    browser.form("/email/confirm", &[("token", "used")]).await;
    let page = browser.get("/account/profile").await.text();
    let first = page.split_once("<main id=\"content\">").unwrap().1.split("</p>").next().unwrap();
    assert!(first.contains("This link or code has expired or was already used."), "at the top of the page: {page}");
    assert!(
        first.contains("role=\"alert\"") && first.contains("autofocus") && !page.contains("role=\"status\""),
        "{page}"
    );

    let confirmed = browser.form("/email/confirm", &[("token", &email.token())]).await;
    assert_eq!(confirmed.header("location"), "/account");
    browser.get("/account").await;
    let second_press = browser.form("/email/confirm", &[("token", &email.token())]).await;
    let page = browser.get("/account/profile").await.text();
    assert!(page.contains("Your confirmed address is shown below.") && !page.contains("This link or code"), "{page}");
    let second_click = browser.get(&format!("/email/confirm?token={}", email.token())).await;
    assert!(browser.get("/account/profile").await.text().contains("Your confirmed address is shown below."));
    for again in [second_press, second_click] {
        assert_eq!((again.status.as_u16(), again.header("location")), (303, "/account/profile"));
    }
}

#[tokio::test]
async fn a_voided_email_can_be_replaced_immediately() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let email = app.email_to("ada@example.org").await;
    for _ in 0..5 {
        browser.form("/email/confirm", &[("code", &email.wrong_code())]).await;
    }
    browser.form("/account", &[("action", "confirm-again")]).await;
    assert_eq!(app.emails().await.len(), 2);
    browser.form("/account", &[("action", "confirm-again")]).await;
    assert!(browser.get("/account/profile").await.text().contains("We sent you an email less than a minute ago."));
}

#[tokio::test]
async fn the_email_can_be_resent_once_a_minute() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let first = app.email_to("ada@example.org").await;
    browser.form("/account", &[("action", "confirm-again")]).await;
    assert_eq!(app.emails().await.len(), 1);
    app.clock.advance(Duration::from_mins(1));
    let answer = browser.form("/account", &[("action", "confirm-again")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account/profile"));
    let second = app.email_to("ada@example.org").await;
    assert_eq!(app.emails().await.len(), 2);
    let voided = browser.form("/email/confirm", &[("code", &first.code())]).await;
    assert_eq!(voided.header("location"), "/account/profile");
    assert_eq!(browser.get("/api/session").await.json()["user"]["email_verified"], false, "the older email is void");
    browser.form("/email/confirm", &[("code", &second.code())]).await;
    assert_eq!(browser.get("/api/session").await.json()["user"]["email_verified"], true);
}

#[tokio::test]
async fn a_resent_email_goes_to_the_address_entered_last() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up("ada").await;
        assert_eq!(own.post("/api/account/email", json!({ "email": "new@example.org" })).await.status, 202);
        app.deliver().await;
        app.clock.advance(Duration::from_mins(2));
        let page = own.get("/account/profile").await.text();
        assert!(page.contains("new@example.org") && page.contains("Resend email"), "{page}");
        own.form("/account", &[("action", "confirm-again")]).await;
        let emails = app.emails().await;
        assert_eq!(emails.iter().filter(|email| email.0.recipient == "new@example.org").count(), 2);
        let code = app.email_to("new@example.org").await.code();
        let answer = own.post("/api/account/email/confirm", json!({ "code": code })).await;
        assert_eq!(answer.json()["user"]["email"], "new@example.org");
    }
}

#[tokio::test]
async fn a_code_also_confirms_a_changed_address() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up_verified(&app, "ada").await;
    own.form("/account", &[("action", "address"), ("email", "new@example.org")]).await;
    let page = own.get("/account/profile").await.text();
    assert!(page.contains("Confirm your email address") && page.contains("new@example.org"), "{page}");
    let code = app.email_to("new@example.org").await.code();
    own.form("/email/confirm", &[("code", &code)]).await;
    assert_eq!(own.get("/api/session").await.json()["user"]["email"], "new@example.org");
}

#[tokio::test]
async fn without_a_mail_server_an_address_cannot_be_changed() {
    let settings = [("PUBLIC_URL", "https://id.example"), ("EMAIL_SIGN_IN", "off"), ("SMTP_URL", "")];
    let app = App::start_with_settings(Backends::Embedded, &settings).await;
    let mut own = app.browser();
    own.sign_up("ada").await;
    let answer = own.post("/api/account/email", json!({ "email": "new@example.org" })).await;
    assert_eq!(answer.refusal(), (404, "email_off".to_owned()));
}
