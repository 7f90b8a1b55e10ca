use crate::app::{Answer, App, Backends, Browser};
use crate::authenticator::{AT, Assertion, BE, BS, SoftPasskey, UP, UV, encode, random};
use serde_json::{Value, json};
use std::time::Duration;

async fn finish(browser: &mut Browser, assertion: &Assertion) -> Answer {
    browser.post("/api/sign-in/finish", json!({ "credential": assertion.json() })).await
}

#[tokio::test]
async fn a_known_passkey_signs_its_owner_in() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let passkey = app.browser().sign_up("ada").await;
        let mut browser = app.browser();
        let answer = browser.sign_in(&passkey).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["user"]["username"], "ada");
        assert!(browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn the_options_reveal_nothing_to_strangers() {
    let app = App::start(Backends::Embedded).await;
    app.browser().sign_up("ada").await;
    let options = app.browser().start_sign_in().await;
    assert_eq!(options["allowCredentials"], json!([]));
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["rpId"], "localhost");
}

#[tokio::test]
async fn next_must_stay_within_this_site() {
    let app = App::start(Backends::Embedded).await;
    let passkey = app.browser().sign_up("ada").await;
    for (requested, expected) in
        [(json!("/account?tab=1"), "/account?tab=1"), (json!("//evil.example"), "/account"), (Value::Null, "/account")]
    {
        let mut browser = app.browser();
        let options = browser.start_sign_in().await;
        let credential = passkey.assertion(&options, &app.origin).json();
        let answer = browser.post("/api/sign-in/finish", json!({ "credential": credential, "next": requested })).await;
        assert_eq!(answer.json()["next"], expected);
    }
}

type Change = fn(&mut Assertion);

#[tokio::test]
async fn a_tampered_assertion_is_refused_and_spends_the_ceremony() {
    let changes: [(&str, Change); 20] = [
        ("type", |a| a.client_data["type"] = json!("webauthn.create")),
        ("origin", |a| a.client_data["origin"] = json!("https://localhost:3000")),
        ("origin with a path", |a| a.client_data["origin"] = json!("http://localhost:3000/x")),
        ("origin in upper case", |a| a.client_data["origin"] = json!("http://LOCALHOST:3000")),
        ("a frame of another site", |a| a.client_data["crossOrigin"] = json!(true)),
        ("a top origin", |a| a.client_data["topOrigin"] = json!("https://evil.example")),
        ("relying party", |a| a.rp_id = "evil.example".to_owned()),
        ("no user presence", |a| a.flags &= !UP),
        ("no user verification", |a| a.flags &= !UV),
        ("no longer eligible for backup", |a| a.flags &= !(BE | BS)),
        ("backed up without being eligible", |a| a.flags &= !BE),
        ("attested data", |a| {
            a.flags |= AT;
            a.trailing = [&[0; 16][..], &[0, 1, 7], &[0xa0]].concat();
        }),
        ("trailing bytes", |a| a.trailing = vec![0]),
        ("id is not rawId", |a| a.id = random::<32>().to_vec()),
        ("another type of credential", |a| a.r#type = "password".to_owned()),
        ("signature", |a| a.spoil_signature = true),
        ("no user handle", |a| a.user_handle = None),
        ("an empty user handle", |a| a.user_handle = Some(vec![])),
        ("another user handle", |a| a.user_handle = Some(random::<16>().to_vec())),
        ("a long user handle", |a| a.user_handle.as_mut().unwrap().push(0)),
    ];
    let app = App::start(Backends::Embedded).await;
    let passkey = app.browser().sign_up("ada").await;
    for (label, change) in changes {
        let mut browser = app.browser();
        let options = browser.start_sign_in().await;
        let mut tampered = passkey.assertion(&options, &app.origin);
        change(&mut tampered);
        assert_eq!(finish(&mut browser, &tampered).await.refusal(), (401, "not_verified".to_owned()), "{label}");
        let honest = passkey.assertion(&options, &app.origin);
        assert_eq!(finish(&mut browser, &honest).await.refusal(), (401, "ceremony_expired".to_owned()), "{label}");
        assert!(!browser.is_signed_in().await);
    }
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
}

#[tokio::test]
async fn a_passkey_cannot_sign_in_to_the_account_of_another_user() {
    let app = App::start(Backends::Embedded).await;
    let ada = app.browser().sign_up("ada").await;
    let eve = app.browser().sign_up("eve").await;
    let mut browser = app.browser();
    let options = browser.start_sign_in().await;
    let mut stolen = eve.assertion(&options, &app.origin);
    stolen.user_handle = Some(ada.user_handle);
    assert_eq!(finish(&mut browser, &stolen).await.refusal(), (401, "not_verified".to_owned()));
}

#[tokio::test]
async fn an_unknown_passkey_has_its_own_error_code() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut passkey = app.browser().sign_up("ada").await;
        passkey.credential_id = random::<32>().to_vec();
        assert_eq!(app.browser().sign_in(&passkey).await.refusal(), (401, "unknown_passkey".to_owned()));
    }
}

#[tokio::test]
async fn a_malformed_credential_is_a_bad_request_and_spends_nothing() {
    let app = App::start(Backends::Embedded).await;
    let passkey = app.browser().sign_up("ada").await;
    let mut browser = app.browser();
    let options = browser.start_sign_in().await;
    let honest = passkey.assertion(&options, &app.origin).json();
    for (path, value) in [
        ("/id", json!("!")),
        ("/rawId", Value::Null),
        ("/response", json!("x")),
        ("/response/signature", json!("AA==")),
        ("/response/authenticatorData", json!(encode([0; 36]))),
        ("/response/clientDataJSON", json!(encode("[]"))),
        ("/response/userHandle", json!(7)),
    ] {
        let mut credential = honest.clone();
        *credential.pointer_mut(path).unwrap() = value;
        let answer = browser.post("/api/sign-in/finish", json!({ "credential": credential })).await;
        assert_eq!(answer.refusal(), (400, "bad_request".to_owned()), "{path}");
    }
    let answer = browser.post("/api/sign-in/finish", json!({ "credential": honest })).await;
    assert_eq!(answer.status, 200, "nothing was spent: {}", answer.text());
}

#[tokio::test]
async fn a_replayed_assertion_is_refused() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let passkey = app.browser().sign_up("ada").await;
        let mut browser = app.browser();
        let options = browser.start_sign_in().await;
        let assertion = passkey.assertion(&options, &app.origin);
        assert_eq!(finish(&mut browser, &assertion).await.status, 200);
        assert_eq!(finish(&mut browser, &assertion).await.refusal(), (401, "ceremony_expired".to_owned()));
    }
}

#[tokio::test]
async fn a_ceremony_belongs_to_the_browser_that_began_it() {
    let app = App::start(Backends::Embedded).await;
    let passkey = app.browser().sign_up("ada").await;
    let (mut mine, mut other, mut bare) = (app.browser(), app.browser(), app.browser());
    let options = mine.start_sign_in().await;
    other.start_sign_in().await;
    let assertion = passkey.assertion(&options, &app.origin);
    for stranger in [&mut other, &mut bare] {
        assert_eq!(finish(stranger, &assertion).await.refusal(), (401, "ceremony_expired".to_owned()));
    }
    assert_eq!(finish(&mut mine, &assertion).await.status, 200, "other browsers spent nothing");
}

#[tokio::test]
async fn a_ceremony_cannot_be_finished_for_another_purpose() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let options = browser.start_sign_up("ada").await;
    let mut as_sign_in = options.clone();
    as_sign_in["rpId"] = json!("localhost");
    let assertion = SoftPasskey::new(&options).assertion(&as_sign_in, &app.origin);
    assert_eq!(finish(&mut browser, &assertion).await.refusal(), (401, "ceremony_expired".to_owned()));
}

#[tokio::test]
async fn two_tabs_do_not_interfere_with_each_other() {
    let app = App::start(Backends::Embedded).await;
    let passkey = app.browser().sign_up("ada").await;
    let mut browser = app.browser();
    let (one, two) = (browser.start_sign_in().await, browser.start_sign_in().await);
    for options in [one, two] {
        assert_eq!(finish(&mut browser, &passkey.assertion(&options, &app.origin)).await.status, 200);
    }
}

#[tokio::test]
async fn a_ceremony_expires_after_five_minutes() {
    let app = App::start(Backends::Servers).await;
    let passkey = app.browser().sign_up("ada").await;
    let mut browser = app.browser();
    let options = browser.start_sign_in().await;
    app.clock.advance(Duration::from_mins(5));
    let assertion = passkey.assertion(&options, &app.origin);
    assert_eq!(finish(&mut browser, &assertion).await.refusal(), (401, "ceremony_expired".to_owned()));
}

#[tokio::test]
async fn a_counter_that_does_not_increase_is_refused() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut passkey = app.browser().sign_up("ada").await;
        for (counter, status) in [(5, 200), (5, 401), (4, 401), (0, 401), (6, 200)] {
            passkey.counter = counter;
            assert_eq!(app.browser().sign_in(&passkey).await.status, status, "{counter} on {backends:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_finishes_succeeds() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let passkey = app.browser().sign_up("ada").await;
        for _ in 0..5 {
            let mut browser = app.browser();
            let options = browser.start_sign_in().await;
            let credential = passkey.assertion(&options, &app.origin).json();
            let rivals = (0..12).map(|_| {
                let (mut browser, credential) = (browser.clone(), credential.clone());
                tokio::spawn(async move {
                    browser.post("/api/sign-in/finish", json!({ "credential": credential })).await.status
                })
            });
            let mut winners = 0;
            for rival in rivals.collect::<Vec<_>>() {
                winners += usize::from(rival.await.unwrap() == 200);
            }
            assert_eq!(winners, 1, "{backends:?}");
        }
    }
}
