//! Tests of sign-in and sign-up by email.

use crate::app::{App, Backends, Browser};
use crate::browser::hidden_fields;
use serde_json::json;
use std::time::Duration;

async fn app_with_account(backends: Backends) -> App {
    let app = App::start(backends).await;
    app.browser().sign_up_verified(&app, "ada").await;
    app
}

fn user(browser_answer: &crate::app::Answer) -> String {
    browser_answer.json()["user"]["username"].as_str().unwrap().to_owned()
}

async fn request_email(app: &App) -> (Browser, crate::app::Email) {
    let mut browser = app.browser();
    browser.request_sign_in_email("ada").await;
    let email = app.email_to("ada@example.org").await;
    (browser, email)
}

#[tokio::test]
async fn a_link_signs_in_once_in_the_browser_that_requested_it() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let (mut browser, email) = request_email(&app).await;
        let answer = browser.redeem_link(&email.token()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        assert_eq!((&json["user"]["username"], &json["next"]), (&json!("ada"), &json!("/account")));
        assert_eq!((&json["session"]["method"], &json["session"]["user_verified"]), (&json!("email"), &json!(false)));
        assert!(browser.is_signed_in().await);
        assert_eq!(browser.redeem_link(&email.token()).await.refusal(), (401, "link_expired".to_owned()));
        assert_eq!(browser.redeem_code(&email.code()).await.refusal(), (401, "link_expired".to_owned()));
    }
}

#[tokio::test]
async fn a_code_signs_in_once_and_voids_the_link() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let (mut browser, email) = request_email(&app).await;
        let spaced = format!(" {} {} ", &email.code()[..3], &email.code()[3..]);
        assert_eq!(browser.redeem_code(&spaced).await.status, 200);
        assert_eq!(browser.redeem_code(&email.code()).await.refusal(), (401, "link_expired".to_owned()));
        assert_eq!(browser.redeem_link(&email.token()).await.refusal(), (401, "link_expired".to_owned()));
    }
}

#[tokio::test]
async fn usernames_and_addresses_are_matched_regardless_of_case() {
    let app = app_with_account(Backends::Embedded).await;
    for typed in ["ADA", " ada ", "ada@example.org", "Ada@EXAMPLE.org"] {
        let mut browser = app.browser();
        browser.request_sign_in_email(typed).await;
        let email = app.email_to("ada@example.org").await;
        assert_eq!(user(&browser.redeem_code(&email.code()).await), "ada", "{typed}");
    }
}

#[tokio::test]
async fn in_another_browser_a_link_does_nothing_and_stays_valid() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let (mut browser, email) = request_email(&app).await;
        let mut other_requester = app.browser();
        other_requester.request_sign_in_email("unknown").await;
        for other in [&mut app.browser(), &mut other_requester] {
            assert_eq!(other.redeem_link(&email.token()).await.refusal(), (409, "other_browser".to_owned()));
            assert!(!other.is_signed_in().await);
        }
        assert_eq!(browser.redeem_link(&email.token()).await.status, 200);
    }
}

#[tokio::test]
async fn a_code_works_only_in_the_browser_that_requested_it() {
    let app = app_with_account(Backends::Embedded).await;
    let (_, email) = request_email(&app).await;
    assert_eq!(app.browser().redeem_code(&email.code()).await.refusal(), (401, "link_expired".to_owned()));
    let mut other_requester = app.browser();
    other_requester.request_sign_in_email("unknown").await;
    assert_eq!(other_requester.redeem_code(&email.code()).await.refusal(), (401, "code_wrong".to_owned()));
}

#[tokio::test]
async fn the_fifth_wrong_code_voids_the_request() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let (mut browser, email) = request_email(&app).await;
        for tries_left in [4, 3, 2, 1, 0] {
            let answer = browser.redeem_code(&email.wrong_code()).await;
            assert_eq!(answer.refusal(), (401, "code_wrong".to_owned()));
            assert_eq!(answer.json()["error"]["tries_left"], tries_left);
        }
        assert_eq!(browser.redeem_code(&email.code()).await.refusal(), (401, "link_expired".to_owned()));
        assert_eq!(browser.redeem_link(&email.token()).await.refusal(), (401, "link_expired".to_owned()));
    }
}

#[tokio::test]
async fn after_the_last_wrong_code_the_user_can_begin_again_with_the_same_text_and_target() {
    let app = app_with_account(Backends::Embedded).await;
    let sign_in = [("action", "email"), ("identifier", "ada"), ("next", "/account/devices")];
    let sign_up = [("username", "eve"), ("email", "eve@example.org"), ("display_name", "Eve E.")];
    for (path, request, address, kept) in [
        ("/sign-in", sign_in, "ada@example.org", &["value=\"ada\"", "value=\"/account/devices\""][..]),
        (
            "/sign-up",
            sign_up,
            "eve@example.org",
            &["value=\"eve\"", "value=\"eve@example.org\"", "value=\"Eve E.\""][..],
        ),
    ] {
        let mut browser = app.browser();
        assert_eq!(browser.form(path, &request).await.header("location"), "/sign-in?step=code");
        let page = browser.get("/sign-in?step=code").await.text();
        let main = page.split_once("<main").unwrap().1;
        let mut fields: Vec<_> = hidden_fields(main.split_once("</form>").unwrap().0);
        let code = app.email_to(address).await.wrong_code();
        fields.extend([("code".to_owned(), code), ("username".to_owned(), "eve".to_owned())]);
        fields.retain(|(name, _)| path == "/sign-up" || name != "username");
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for _ in 0..4 {
            assert_eq!(browser.form("/sign-in", &fields).await.header("location"), "/sign-in?step=code");
        }
        for attempt in ["the last attempt", "the request is void"] {
            let page = browser.form("/sign-in", &fields).await;
            assert_eq!(page.status, 401, "{attempt}");
            assert!(page.text().contains("Request a new email."), "{attempt}: {}", page.text());
            assert!(kept.iter().all(|text| page.text().contains(text)), "{attempt}: {}", page.text());
        }
    }
}

#[tokio::test]
async fn a_code_entered_after_the_link_was_opened_in_another_tab_leads_on() {
    let app = app_with_account(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.form("/sign-in", &[("identifier", "ada"), ("next", "/account/devices")]).await;
    let email = app.email_to("ada@example.org").await;
    assert_eq!(browser.redeem_link(&email.token()).await.status, 200);
    let fields = [("action", "code"), ("code", &email.code()), ("next", "/account/devices")];
    assert_eq!(browser.form("/sign-in", &fields).await.header("location"), "/account/devices");
    assert!(!browser.get("/account/devices").await.text().contains("role=\"alert\" tabindex"));
}

#[tokio::test]
async fn a_refused_form_of_the_code_keeps_the_address_of_its_page() {
    let settings = [("SIGN_UP", "invite")];
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.form("/sign-up", &[("username", "eve"), ("email", "eve@example.org")]).await;
    let email = app.email_to("eve@example.org").await;
    app.browser().sign_up_with_email("eve", "other@example.org").await;
    let language = |page: &str, next: &str| page.contains(&format!("name=\"next\" value=\"{next}\""));
    // Resent although the username is taken: the reason is next to its field.
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(browser.form("/sign-in", &[("action", "resend")]).await.header("location"), "/sign-in?step=code");
    let page = browser.get("/sign-in?step=code").await.text();
    assert!(page.contains("aria-invalid=\"true\"") && page.contains("This username is taken."), "{page}");
    let taken = [("action", "code"), ("code", &email.code()), ("username", "eve")];
    let page = browser.form("/sign-in", &taken).await.text();
    assert!(language(&page, "/sign-in?step=code"), "{page}");
    let expired = app.browser().form("/sign-in", &taken).await.text();
    assert!(language(&expired, "/sign-up") && expired.contains("Request a new email."), "{expired}");
    let expired = [("action", "code"), ("code", "123456"), ("next", "/account/devices")];
    let page = app.browser().form("/sign-in", &expired).await.text();
    assert!(language(&page, "/sign-in?next=%2Faccount%2Fdevices"), "{page}");
    // Where an invitation is required, the page says why the code was refused.
    let app = App::start_with_settings(Backends::Embedded, &settings).await;
    let page = app.browser().form("/sign-in", &taken).await.text();
    assert!(page.contains("Request a new email.") && !page.contains("By invitation only"), "{page}");
}

#[tokio::test]
async fn a_code_is_kept_if_the_username_was_taken_in_the_meantime() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.form("/sign-up", &[("username", "eve"), ("email", "eve@example.org")]).await;
    let code = app.email_to("eve@example.org").await.code();
    app.browser().sign_up_with_email("eve", "other@example.org").await;
    let page = browser.form("/sign-in", &[("action", "code"), ("code", &code), ("username", "eve")]).await;
    assert_eq!(page.status, 409);
    assert!(page.text().contains("This username is taken.") && page.text().contains(&format!("value=\"{code}\"")));
    let fields = [("action", "code"), ("code", code.as_str()), ("username", "eve2")];
    assert_eq!(browser.form("/sign-in", &fields).await.header("location"), "/account");
}

#[tokio::test]
async fn a_correct_code_is_accepted_on_the_last_attempt() {
    let app = app_with_account(Backends::Embedded).await;
    let (mut browser, email) = request_email(&app).await;
    for wrong in ["", "12345", "١٢٣٤٥٦", &email.wrong_code()] {
        assert_eq!(browser.redeem_code(wrong).await.refusal().1, "code_wrong", "{wrong}");
    }
    assert_eq!(browser.redeem_code(&email.code()).await.status, 200);
}

#[tokio::test]
async fn an_email_expires_after_ten_minutes() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let (mut browser, email) = request_email(&app).await;
        app.clock.advance(Duration::from_secs(599));
        let (mut late, late_email) = request_email(&app).await;
        assert_eq!(browser.redeem_link(&email.token()).await.status, 200);
        app.clock.advance(Duration::from_mins(10));
        assert_eq!(late.redeem_link(&late_email.token()).await.refusal(), (401, "link_expired".to_owned()));
        assert_eq!(late.redeem_code(&late_email.code()).await.refusal(), (401, "link_expired".to_owned()));
    }
}

#[tokio::test]
async fn modified_tokens_are_refused() {
    let app = app_with_account(Backends::Embedded).await;
    let (mut browser, email) = request_email(&app).await;
    let token = email.token();
    let (first, rest) = token.split_at(1);
    let changed = format!("{}{rest}", if first == "A" { "B" } else { "A" });
    for wrong in ["", &token[..42], &changed, &format!("{token}{token}"), &format!("{token}%00"), &format!("{token}\0")]
    {
        assert_eq!(browser.redeem_link(wrong).await.refusal(), (401, "link_expired".to_owned()), "{wrong}");
    }
    assert_eq!(browser.redeem_link(&token).await.status, 200);
}

#[tokio::test]
async fn a_new_request_voids_only_the_older_request_of_the_same_browser() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let (mut browser, first) = request_email(&app).await;
        let (mut other, others) = request_email(&app).await;
        browser.request_sign_in_email("ada").await;
        let second = app.email_to("ada@example.org").await;
        assert_eq!(browser.redeem_link(&first.token()).await.refusal(), (401, "link_expired".to_owned()));
        assert_eq!(other.redeem_link(&others.token()).await.status, 200);
        assert_eq!(browser.redeem_link(&second.token()).await.status, 200);
    }
}

#[tokio::test]
async fn a_request_voided_before_delivery_sends_nothing() {
    let app = app_with_account(Backends::Embedded).await;
    let mut browser = app.browser();
    for _ in 0..3 {
        browser.request_sign_in_email("ada").await;
    }
    let sent = app.emails().await.into_iter().filter(|email| email.0.subject.starts_with("Sign in")).count();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn unknown_browsers_get_at_most_five_emails_and_a_known_browser_still_gets_one() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up_verified(&app, "ada").await;
        own.post("/api/sign-out", json!({})).await;
        for _ in 0..7 {
            app.browser().request_sign_in_email("ada").await;
        }
        let count_sign_in_emails = async || {
            let emails = app.emails().await;
            emails.into_iter().filter(|email| email.0.subject.starts_with("Sign in")).count()
        };
        assert_eq!(count_sign_in_emails().await, 5);
        own.request_sign_in_email("ada").await;
        assert_eq!(count_sign_in_emails().await, 6, "the owner's browser still gets its email");
        app.clock.advance(Duration::from_mins(10));
        app.browser().request_sign_in_email("ada").await;
        assert_eq!(count_sign_in_emails().await, 7, "after ten minutes strangers do again");
    }
}

#[tokio::test]
async fn answers_do_not_reveal_whether_an_account_exists() {
    let app = app_with_account(Backends::Embedded).await;
    app.browser().sign_up("eve").await; // her address is not confirmed
    let answers = async |identifier: &str| {
        let mut browser = app.browser();
        let start = browser.request_sign_in_email(identifier).await;
        app.deliver().await;
        let page = browser.get("/sign-in?step=code").await;
        let code = browser.redeem_code("x").await;
        let shape = |answer: &crate::app::Answer| {
            let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            (answer.status.as_u16(), names)
        };
        let text = page.text().replace(identifier, "…");
        (shape(&start), start.text(), shape(&page), text.len(), shape(&code), code.text())
    };
    let known = answers("ada").await;
    for identifier in ["unknown", "eve", "eve@example.org", "ada@example.org", "unknown@example.org"] {
        assert_eq!(answers(identifier).await, known, "{identifier}");
    }
    assert!(app.emails().await.iter().all(|email| !email.0.recipient.starts_with("unknown")));
}

#[tokio::test]
async fn unconfirmed_addresses_get_no_sign_in_email() {
    let app = App::start(Backends::Embedded).await;
    app.browser().sign_up("eve").await;
    for identifier in ["eve", "eve@example.org"] {
        app.browser().request_sign_in_email(identifier).await;
    }
    assert!(app.emails().await.iter().all(|email| email.0.subject.starts_with("Confirm")));
}

#[tokio::test]
async fn input_that_is_neither_a_username_nor_an_address_is_refused() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    for identifier in [
        "",
        "ab",
        "a b c",
        "ada@example.org,eve@example.org",
        "ada@example.org\r\nBcc: eve@example.org",
        "\"ada\"@example.org",
        "<ada@example.org>",
        "ada@[127.0.0.1]",
        "ada@example.org.",
        &format!("{}@example.org", "a".repeat(255)),
        "{{ada}}@{{example}}.org\u{202e}",
    ] {
        let answer = browser.post("/api/email/start", json!({ "identifier": identifier })).await;
        assert_eq!(answer.refusal(), (422, "invalid_identifier".to_owned()), "{identifier}");
    }
    assert!(app.emails().await.is_empty());
}

#[tokio::test]
async fn an_email_leads_to_the_requested_page_but_never_to_another_site() {
    let app = app_with_account(Backends::Embedded).await;
    for (next, leads_to) in [("/account?tab=2", "/account?tab=2"), ("//evil.example", "/account")] {
        let mut browser = app.browser();
        browser.post("/api/email/start", json!({ "identifier": "ada", "next": next })).await;
        let email = app.email_to("ada@example.org").await;
        assert_eq!(browser.redeem_link(&email.token()).await.json()["next"], leads_to);
    }
}

#[tokio::test]
async fn signing_in_by_email_as_another_user_ends_the_current_session() {
    let app = app_with_account(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("eve").await;
    let eves = browser.clone();
    browser.request_sign_in_email("ada").await;
    let email = app.email_to("ada@example.org").await;
    let page = browser.get(&format!("/email/link?token={}", email.token())).await;
    assert!(page.text().contains("You're signed in as eve."), "{}", page.text());
    assert_eq!(user(&browser.redeem_link(&email.token()).await), "ada");
    assert!(!eves.clone().is_signed_in().await);
}

#[tokio::test]
async fn an_email_session_lasts_at_most_twelve_hours() {
    let app = app_with_account(Backends::Embedded).await;
    let (mut browser, email) = request_email(&app).await;
    assert_eq!(browser.redeem_link(&email.token()).await.status, 200);
    for _ in 0..23 {
        app.clock.advance(Duration::from_mins(30));
        assert!(browser.is_signed_in().await);
    }
    app.clock.advance(Duration::from_mins(30));
    assert!(!browser.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_answers_signs_in() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        for by_code in [false, true] {
            let (browser, email) = request_email(&app).await;
            let answers = (0..20).map(|_| {
                let (mut browser, token, code) = (browser.clone(), email.token(), email.code());
                tokio::spawn(async move {
                    if by_code { browser.redeem_code(&code).await } else { browser.redeem_link(&token).await }
                })
            });
            let mut winners = 0;
            for answer in answers.collect::<Vec<_>>() {
                let answer = answer.await.unwrap();
                match answer.status.as_u16() {
                    200 => winners += 1,
                    status => assert_eq!((status, answer.refusal().1.as_str()), (401, "link_expired")),
                }
            }
            assert_eq!(winners, 1, "{backends:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_five_of_many_concurrent_wrong_codes_are_counted() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let (browser, email) = request_email(&app).await;
        let answers = (0..20).map(|_| {
            let (mut browser, code) = (browser.clone(), email.wrong_code());
            tokio::spawn(async move { browser.redeem_code(&code).await.refusal().1 })
        });
        let mut counted = 0;
        for answer in answers.collect::<Vec<_>>() {
            counted += usize::from(answer.await.unwrap() == "code_wrong");
        }
        assert_eq!(counted, 5, "{backends:?}");
    }
}

#[tokio::test]
async fn viewing_the_link_page_changes_nothing() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let (mut browser, email) = request_email(&app).await;
        let path = format!("/email/link?token={}", email.token());
        for _ in 0..3 {
            let page = browser.get(&path).await;
            assert_eq!(page.status, 200);
            assert!(page.text().contains(">ada</strong>"), "the page names the account");
            assert_eq!(page.header("referrer-policy"), "strict-origin");
            assert!(!page.text().contains(".wasm"), "the page loads no WebAssembly");
        }
        let other = app.browser().get(&path).await;
        assert_eq!((other.status.as_u16(), other.header("referrer-policy")), (409, "strict-origin"));
        assert!(other.text().contains("Open the link in the other browser") && !other.text().contains("ada"));
        assert!(!browser.is_signed_in().await);
        assert_eq!(browser.redeem_link(&email.token()).await.status, 200);
        assert_eq!(browser.get(&path).await.header("location"), "/account");
        assert!(
            browser.get("/account").await.text().contains("was already used or has expired. You're still signed in.")
        );
        browser.post("/api/sign-out", json!({})).await;
        assert_eq!(browser.get(&path).await.status, 401);
    }
}

#[tokio::test]
async fn the_whole_flow_works_with_plain_forms() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        for by_code in [false, true] {
            let mut browser = app.browser();
            let answer = browser.form("/sign-in", &[("identifier", "ada"), ("next", "/account?x=1")]).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in?step=code"));
            assert!(browser.get("/sign-in?step=code").await.text().contains("Check your email"));
            let email = app.email_to("ada@example.org").await;
            let answer = if by_code {
                browser.form("/sign-in", &[("action", "code"), ("code", &email.code())]).await
            } else {
                browser.form("/email/link", &[("token", &email.token())]).await
            };
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account?x=1"));
            assert!(browser.is_signed_in().await);
        }
    }
}

#[tokio::test]
async fn forms_show_errors_and_keep_the_input() {
    let app = app_with_account(Backends::Embedded).await;
    let mut browser = app.browser();
    let page = browser.form("/sign-in", &[("identifier", "not <a> name")]).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("Enter your username or email address."));
    assert!(page.text().contains("not &lt;a&gt; name") || page.text().contains("not &lt;a> name"), "{}", page.text());

    browser.form("/sign-in", &[("identifier", "ada")]).await;
    let email = app.email_to("ada@example.org").await;
    let answer = browser.form("/sign-in", &[("action", "code"), ("code", &email.wrong_code())]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in?step=code"));
    let page = browser.get("/sign-in?step=code").await.text();
    assert!(page.contains("This code is wrong.") && page.contains("aria-invalid=\"true\""), "{page}");
    assert!(!browser.get("/sign-in?step=code").await.text().contains("This code is wrong."), "shown once");

    let answer = browser.form("/email/link", &[("token", "used")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in"));
    assert!(browser.get("/sign-in").await.text().contains("This link or code has expired or was already used."));
    assert_eq!(app.browser().form("/email/link", &[("token", &email.token())]).await.status, 409);
    assert_eq!(app.browser().get("/sign-in?step=code").await.header("location"), "/sign-in");
}

#[tokio::test]
async fn an_email_can_be_resent_without_entering_the_name_again() {
    let app = app_with_account(Backends::Embedded).await;
    let (mut browser, first) = request_email(&app).await;
    let answer = browser.form("/sign-in", &[("action", "resend")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in?step=code"));
    let second = app.email_to("ada@example.org").await;
    assert_eq!(browser.redeem_code(&first.code()).await.refusal().0, 401);
    assert_eq!(browser.redeem_code(&second.code()).await.status, 200);
    let answer = app.browser().form("/sign-in", &[("action", "resend")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in"));
}

#[tokio::test]
async fn forms_from_other_sites_and_with_other_content_types_are_refused() {
    let app = app_with_account(Backends::Embedded).await;
    for path in ["/sign-in", "/sign-up", "/email/link", "/email/confirm", "/account"] {
        let mut foreign = app.browser();
        foreign.origin = "https://evil.example".to_owned();
        assert_eq!(foreign.form(path, &[("identifier", "ada")]).await.status, 403, "{path}");
        assert_eq!(app.browser().post(path, json!({ "identifier": "ada" })).await.refusal().0, 415, "{path}");
        let long = "x".repeat(65_537);
        assert_eq!(app.browser().form(path, &[("identifier", &long)]).await.status, 413, "{path}");
    }
    assert!(app.emails().await.iter().all(|email| email.0.subject.starts_with("Confirm")));
}

#[tokio::test]
async fn a_user_without_a_passkey_signs_up_by_email() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for by_code in [false, true] {
            let name = if by_code { "ada77" } else { "eve77" };
            let mut browser = app.browser();
            let body =
                json!({ "username": name, "email": format!("{name}@example.org"), "display_name": "<b>Me77</b>" });
            let answer = browser.post("/api/sign-up/email", body.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "expires_in": 600 })));
            let email = app.email_to(&format!("{name}@example.org")).await;
            for typed in ["<b>", "Me77", name] {
                let words = email.0.text.replace(&email.token(), "");
                assert!(!words.contains(typed), "the email must not repeat user input: {words}");
            }
            assert_eq!(app.browser().redeem_link(&email.token()).await.refusal().1, "other_browser");
            let answer = if by_code {
                browser.redeem_code(&email.code()).await
            } else {
                browser.redeem_link(&email.token()).await
            };
            let json = answer.json();
            assert_eq!((answer.status.as_u16(), &json["user"]["username"]), (200, &json!(name)));
            assert_eq!((&json["user"]["email_verified"], &json["session"]["method"]), (&json!(true), &json!("email")));
            assert_eq!(app.browser().post("/api/sign-up/email", body).await.refusal().1, "username_taken");
        }
    }
}

#[tokio::test]
async fn a_username_taken_in_the_meantime_can_be_replaced_and_the_email_stays_valid() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for by_code in [false, true] {
            let name = if by_code { "ada" } else { "eve" };
            let mut browser = app.browser();
            let body = json!({ "username": name, "email": format!("me.{name}@example.org") });
            browser.post("/api/sign-up/email", body).await;
            let email = app.email_to(&format!("me.{name}@example.org")).await;
            app.browser().sign_up(name).await;
            let (path, member, secret) = if by_code {
                ("/api/email/code", "code", email.code())
            } else {
                ("/api/email/link", "token", email.token())
            };
            assert_eq!(
                browser.post(path, json!({ member: secret })).await.refusal(),
                (409, "username_taken".to_owned())
            );
            let bad = browser.post(path, json!({ member: secret, "username": "-" })).await;
            assert_eq!(bad.refusal(), (422, "invalid_username".to_owned()));
            let answer = browser.post(path, json!({ member: secret, "username": format!("{name}2") })).await;
            assert_eq!(answer.json()["user"]["username"], format!("{name}2"), "{}", answer.text());
            assert_eq!(answer.json()["user"]["display_name"], format!("{name}2"), "no name was given");
        }
    }
}

#[tokio::test]
async fn signing_up_with_a_confirmed_address_signs_in_to_its_account() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let mut browser = app.browser();
        let body = json!({ "username": "ada2", "email": "Ada@Example.org", "display_name": "Another user" });
        assert_eq!(browser.post("/api/sign-up/email", body).await.status, 202);
        let email = app.email_to("ada@example.org").await;
        assert_eq!(email.0.subject, "Sign in to Latchkey");
        let page = browser.get(&format!("/email/link?token={}", email.token())).await;
        assert!(page.text().contains(">ada</strong>") && !page.text().contains("Another user"));
        let json = browser.redeem_link(&email.token()).await.json();
        assert_eq!((&json["user"]["username"], &json["user"]["display_name"]), (&json!("ada"), &json!("ada")));
        app.browser().sign_up("ada2").await; // the requested name was dropped and is free
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_sign_ups_with_one_address_create_one_account_and_sign_in_to_it() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut requests = Vec::new();
        for number in 0..8 {
            let mut browser = app.browser();
            let body = json!({ "username": format!("ada{number}"), "email": "ada@example.org" });
            assert_eq!(browser.post("/api/sign-up/email", body).await.status, 202);
            requests.push((browser, app.email_to("ada@example.org").await.token()));
        }
        let answers = requests
            .into_iter()
            .map(|(mut browser, token)| tokio::spawn(async move { browser.redeem_link(&token).await }));
        let mut ids = std::collections::HashSet::new();
        for answer in answers.collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            ids.insert(answer.json()["user"]["id"].to_string());
        }
        assert_eq!(ids.len(), 1, "{backends:?}");
    }
}

#[tokio::test]
async fn sign_up_by_email_refuses_the_same_input_as_sign_up_with_a_passkey() {
    let app = app_with_account(Backends::Embedded).await;
    for (body, refusal) in [
        (json!({ "username": "-", "email": "a@example.org" }), (422, "invalid_username")),
        (json!({ "username": "eve", "email": "a" }), (422, "invalid_email")),
        (json!({ "username": "eve", "email": "a@b.example", "display_name": "" }), (422, "invalid_display_name")),
        (json!({ "username": "ADA", "email": "a@b.example" }), (409, "username_taken")),
        (json!({ "username": "eve" }), (400, "bad_request")),
    ] {
        let answer = app.browser().post("/api/sign-up/email", body).await;
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()));
    }
    let page = app.browser().form("/sign-up", &[("username", "ada"), ("email", "kept@example.org")]).await;
    assert_eq!(page.status, 409);
    assert!(page.text().contains("kept@example.org") && page.text().contains("This username is taken."));
    let answer = app.browser().form("/sign-up", &[("username", "eve"), ("email", "eve@example.org")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in?step=code"));
}

#[tokio::test]
async fn with_email_sign_in_off_all_email_endpoints_say_so() {
    let app = App::start_with_settings(Backends::Embedded, &[("EMAIL_SIGN_IN", "off")]).await;
    let mut browser = app.browser();
    for (path, body) in [
        ("/api/email/start", json!({ "identifier": "ada" })),
        ("/api/email/link", json!({ "token": "x" })),
        ("/api/email/code", json!({ "code": "123456" })),
        ("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })),
    ] {
        assert_eq!(browser.post(path, body).await.refusal(), (404, "email_off".to_owned()), "{path}");
    }
    assert!(!browser.get("/sign-in").await.text().contains("Email me a sign-in link"));
    assert!(!browser.get("/sign-up").await.text().contains("by email"));
    browser.sign_up_verified(&app, "ada").await; // confirmation emails are still sent
}

#[tokio::test]
async fn without_a_mail_server_an_address_is_optional() {
    let settings = [("PUBLIC_URL", "https://id.example"), ("EMAIL_SIGN_IN", "off"), ("SMTP_URL", "")];
    let app = App::start_with_settings(Backends::Embedded, &settings).await;
    let mut browser = app.browser();
    let answer = browser.post("/api/sign-up/start", json!({ "username": "ada" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(browser.get("/sign-up").await.text().contains("Email (optional)"));
    let options = &answer.json()["publicKey"];
    let passkey = crate::authenticator::SoftPasskey::new(options);
    let credential = json!({ "credential": passkey.registration(options, &app.origin).json() });
    assert_eq!(browser.post("/api/sign-up/finish", credential).await.status, 200);
    for path in ["/account", "/account/profile"] {
        let page = browser.get(path).await.text();
        assert!(page.contains(">None<") && !page.contains("onfirmed"), "{path}: {page}");
    }
    let local = App::start_with_settings(Backends::Embedded, &[("EMAIL_SIGN_IN", "off")]).await;
    let smtp = ("SMTP_URL", "smtp://localhost:1");
    for (settings, hint) in [
        (&settings[..], "This site doesn't send email."),
        // The development mailbox receives them.
        (&[("EMAIL_SIGN_IN", "off")][..], "For security notifications."),
        (&[("EMAIL_SIGN_IN", "off"), smtp][..], "For security notifications."),
        (&[smtp][..], "Lets you back in if you don't have your passkey with you."),
    ] {
        let app = App::start_with_settings(Backends::Embedded, settings).await;
        assert!(app.browser().get("/sign-up").await.text().contains(hint), "{settings:?}");
    }
    assert_eq!(local.browser().post("/api/sign-up/start", json!({ "username": "ada" })).await.status, 200);
    let strict = App::start(Backends::Embedded).await;
    let answer = strict.browser().post("/api/sign-up/start", json!({ "username": "ada" })).await;
    assert_eq!(answer.refusal(), (400, "bad_request".to_owned()));
}

#[tokio::test]
async fn with_recovery_only_an_email_session_can_only_create_a_passkey() {
    let app = App::start_with_settings(Backends::Embedded, &[("EMAIL_SIGN_IN", "recovery-only")]).await;
    app.browser().sign_up_verified(&app, "ada").await;
    let (mut browser, email) = request_email(&app).await;
    assert_eq!(browser.redeem_link(&email.token()).await.status, 200);
    let page = browser.get("/account").await.text();
    assert!(page.contains("Create a passkey on this device") && !page.contains("ada@example.org"), "{page}");
    for path in ["/account", "/nothing"] {
        let page = browser.get(path).await.text();
        assert!(!page.contains("href=\"/apps\""), "the navigation offers no page that redirects back: {page}");
    }
    for path in ["/account/profile", "/account/passkeys", "/account/recovery-codes", "/account/data"] {
        assert_eq!(browser.get(path).await.header("location"), "/account", "{path}");
    }
    for path in ["/apps", "/confirm?next=/account"] {
        assert_eq!(browser.get(path).await.header("location"), "/account", "{path}");
    }
    for action in ["name", "username", "rename-passkey", "delete", "export", "end-others", "recovery-codes"] {
        let refused = browser.form("/account", &[("action", action), ("id", "x"), ("name", "x y")]).await;
        assert_eq!((refused.status.as_u16(), refused.header("location")), (303, "/account"), "{action}");
        assert!(!browser.get("/account").await.text().contains("ada@example.org"), "{action}");
    }
    let confirm = browser.post("/api/account/email/confirm", json!({ "code": "123456" })).await;
    assert_eq!(confirm.refusal(), (403, "reauthentication_required".to_owned()));
    assert_eq!(browser.get("/api/passkeys").await.refusal(), (403, "reauthentication_required".to_owned()));
    let options = browser.post("/api/passkeys/start", json!({})).await.json()["publicKey"].clone();
    let passkey = crate::authenticator::SoftPasskey::new(&options);
    let credential = passkey.registration(&options, &app.origin).json();
    assert_eq!(browser.post("/api/passkeys/finish", json!({ "credential": credential })).await.status, 200);
    let page = browser.get("/account").await.text();
    assert!(page.contains("Sign out, then sign in with it.") && !page.contains("ada@example.org"), "{page}");
    assert!(page.contains(">Sign in with your passkey</button>"), "{page}");
    assert_eq!(browser.form("/sign-out", &[("next", "/sign-in")]).await.header("location"), "/sign-in");
    assert_eq!(browser.sign_in(&passkey).await.status, 200);
    assert!(browser.get("/account").await.text().contains("ada@example.org"));
}

#[tokio::test]
async fn a_button_pressed_before_hydration_sends_no_email_and_keeps_the_input() {
    for settings in [&[][..], &[("EMAIL_SIGN_IN", "off")][..]] {
        let app = App::start_with_settings(Backends::Embedded, settings).await;
        if settings.is_empty() {
            app.browser().sign_up_verified(&app, "kept-name").await;
        }
        let before = app.emails().await.len();
        let page = app.browser().form("/sign-in", &[("action", "passkey"), ("identifier", "kept-name")]).await;
        assert!(page.status == 200 && page.text().contains("kept-name"), "{}", page.text());
        let fields = [("action", "passkey"), ("username", "new-name"), ("email", "kept@example.org")];
        let page = app.browser().form("/sign-up", &fields).await;
        assert!(page.status == 200 && page.text().contains("kept@example.org"));
        assert_eq!(app.emails().await.len(), before);
    }
    let app = app_with_account(Backends::Embedded).await;
    let plain = [("action", "passkey"), ("scripts", "off"), ("identifier", "ada")];
    let answer = app.browser().form("/sign-in", &plain).await;
    assert_eq!(answer.header("location"), "/sign-in?step=code", "without JavaScript, Enter requests the email");
    let off = App::start_with_settings(Backends::Embedded, &[("EMAIL_SIGN_IN", "off")]).await;
    let page = off.browser().form("/sign-in", &[("identifier", "kept-name")]).await;
    assert!(page.status == 404 && page.text().contains("kept-name") && page.text().contains("is off"));
    assert_eq!(off.browser().get("/email/link?token=x").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_of_one_browser_send_at_most_five_emails_that_each_work_once() {
    for backends in Backends::ALL {
        let app = app_with_account(backends).await;
        let mut browser = app.browser();
        browser.request_sign_in_email("ada").await;
        let first = app.email_to("ada@example.org").await.code();
        let asks = (0..10).map(|_| {
            let mut browser = browser.clone();
            tokio::spawn(async move {
                browser.request_sign_in_email("ada").await;
                browser
            })
        });
        let mut requests = Vec::new();
        for task in asks.collect::<Vec<_>>() {
            requests.push(task.await.unwrap());
        }
        assert_eq!(browser.redeem_code(&first).await.status, 401, "{backends:?}: voided by the next request");
        let emails = app.emails().await;
        let emails: Vec<_> = emails.iter().filter(|email| email.0.subject.starts_with("Sign in")).collect();
        assert!((2..=6).contains(&emails.len()), "{backends:?}: {}", emails.len());
        for email in &emails[..emails.len() - 1] {
            let mut opened = 0;
            for browser in &mut requests {
                opened += usize::from(browser.redeem_link(&email.token()).await.status == 200);
            }
            assert_eq!(opened, 1, "{backends:?}: only in the browser that requested it");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn email_requests_do_not_deadlock_with_delivery() {
    for backends in Backends::ALL {
        let app = std::sync::Arc::new(app_with_account(backends).await);
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let workers = (0..3).map(|_| {
            let (app, stop) = (std::sync::Arc::clone(&app), std::sync::Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    app.deliver().await;
                }
            })
        });
        let workers: Vec<_> = workers.collect();
        let tasks = (0..4).map(|_| {
            let mut browser = app.browser();
            tokio::spawn(async move {
                for _ in 0..100 {
                    browser.request_sign_in_email("ada").await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        for worker in workers {
            worker.await.unwrap();
        }
        assert_eq!(app.deadlocks().await, 0);
    }
}
