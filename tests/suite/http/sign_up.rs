use crate::app::{App, Backends, Browser};
use crate::authenticator::{AT, BE, BS, Registration, SoftPasskey, UP, UV, encode, random};
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};
use std::time::Duration;

async fn finish(browser: &mut Browser, registration: &Registration) -> crate::app::Answer {
    browser.post("/api/sign-up/finish", json!({ "credential": registration.json() })).await
}

#[tokio::test]
async fn a_new_user_is_signed_in_and_gets_their_profile() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        let body =
            json!({ "username": "Ada.L", "email": "Ada@Example.org", "display_name": "Ada Lovelace", "unknown": 1 });
        let options = browser.post("/api/sign-up/start", body).await.json()["publicKey"].clone();
        let passkey = SoftPasskey::new(&options);
        let answer = finish(&mut browser, &passkey.registration(&options, &app.origin)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        assert_eq!(json["user"]["id"], encode(&passkey.user_handle));
        assert_eq!(json["user"]["username"], "Ada.L");
        assert_eq!(json["user"]["display_name"], "Ada Lovelace");
        assert_eq!(json["user"]["email"], "Ada@Example.org");
        assert_eq!(json["user"]["email_verified"], false);
        assert_eq!(json["session"]["method"], "passkey");
        assert_eq!(json["session"]["user_verified"], true);
        assert_eq!(json["session"]["current"], true);
        assert_eq!(json["next"], "/account");
        assert!(browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn the_options_ask_for_a_discoverable_verified_unattested_passkey() {
    let app = App::start(Backends::Embedded).await;
    let options = app.browser().start_sign_up("ada").await;
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["requireResidentKey"], true);
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["rp"], json!({ "id": "localhost", "name": "Latchkey" }));
    assert_eq!(options["timeout"], 300_000);
    assert_eq!(options["excludeCredentials"], json!([]));
    let algorithms: Vec<_> =
        options["pubKeyCredParams"].as_array().unwrap().iter().map(|p| p["alg"].as_i64().unwrap()).collect();
    assert_eq!(algorithms, [-7, -35, -257]);
}

#[tokio::test]
async fn each_invalid_field_has_its_own_error_code() {
    let app = App::start(Backends::Embedded).await;
    app.browser().sign_up("taken").await;
    let cases = [
        (json!({ "username": "ab", "email": "a@b.example" }), (422, "invalid_username")),
        (json!({ "username": "TAKEN", "email": "a@b.example" }), (409, "username_taken")),
        (json!({ "username": "ada", "email": "a@b" }), (422, "invalid_email")),
        (json!({ "username": "ada", "email": format!("a@{}.example", "b".repeat(250)) }), (422, "invalid_email")),
        (json!({ "username": "ada", "email": "a@b.example", "display_name": "" }), (422, "invalid_display_name")),
        (
            json!({ "username": "ada", "email": "a@b.example", "display_name": "x".repeat(65) }),
            (422, "invalid_display_name"),
        ),
        (json!({ "username": "ada" }), (400, "bad_request")),
        (json!({ "username": 7, "email": "a@b.example" }), (400, "bad_request")),
        (json!({ "username": null, "email": "a@b.example" }), (400, "bad_request")),
    ];
    for (body, (status, code)) in cases {
        let answer = app.browser().post("/api/sign-up/start", body.clone()).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{body}");
        assert!(!answer.headers.contains_key("set-cookie"), "a refused start sets no cookie");
    }
}

#[tokio::test]
async fn an_unfinished_sign_up_reserves_nothing() {
    let app = App::start(Backends::Embedded).await;
    app.browser().start_sign_up("ada").await;
    app.browser().sign_up("ada").await;
}

#[tokio::test]
async fn the_second_of_two_sign_ups_with_one_username_is_refused() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let (mut first, mut second) = (app.browser(), app.browser());
        let (one, two) = (first.start_sign_up("ada").await, second.start_sign_up("ADA").await);
        let finish_one = finish(&mut first, &SoftPasskey::new(&one).registration(&one, &app.origin)).await;
        let finish_two = finish(&mut second, &SoftPasskey::new(&two).registration(&two, &app.origin)).await;
        assert_eq!(finish_one.status, 200);
        assert_eq!(finish_two.refusal(), (409, "username_taken".to_owned()));
        assert!(!second.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_passkey_that_is_already_registered_is_refused() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let known = app.browser().sign_up("ada").await;
        let mut browser = app.browser();
        let options = browser.start_sign_up("eve").await;
        let mut registration = SoftPasskey::new(&options).registration(&options, &app.origin);
        registration.credential_id = known.credential_id.clone();
        registration.raw_id = known.credential_id.clone();
        registration.id = known.credential_id;
        assert_eq!(finish(&mut browser, &registration).await.refusal(), (409, "passkey_exists".to_owned()));
        browser.sign_up("eve").await;
    }
}

type Change = fn(&mut Registration);

#[tokio::test]
async fn a_tampered_registration_is_refused_and_spends_the_ceremony() {
    let changes: [(&str, Change); 22] = [
        ("type", |r| r.client_data["type"] = json!("webauthn.get")),
        ("origin", |r| r.client_data["origin"] = json!("http://localhost:3001")),
        ("origin with a path", |r| r.client_data["origin"] = json!("http://localhost:3000/")),
        ("origin in upper case", |r| r.client_data["origin"] = json!("HTTP://localhost:3000")),
        ("origin with a user", |r| r.client_data["origin"] = json!("http://ada@localhost:3000")),
        ("a frame of another site", |r| r.client_data["crossOrigin"] = json!(true)),
        ("a top origin", |r| r.client_data["topOrigin"] = json!("http://localhost:3000")),
        ("relying party", |r| r.rp_id = "example.org".to_owned()),
        ("no user presence", |r| r.flags &= !UP),
        ("no user verification", |r| r.flags &= !UV),
        ("backed up without being eligible", |r| r.flags = UP | UV | AT | BS),
        ("no attested data", |r| r.flags &= !AT),
        ("id is not rawId", |r| r.id = random::<32>().to_vec()),
        ("rawId is not the credential's", |r| (r.raw_id, r.id) = (vec![1; 32], vec![1; 32])),
        ("another type of credential", |r| r.r#type = "password".to_owned()),
        ("trailing bytes", |r| r.trailing = vec![0]),
        ("an empty credential id", |r| (r.credential_id, r.raw_id, r.id) = (vec![], vec![], vec![])),
        ("a long credential id", |r| (r.credential_id, r.raw_id, r.id) = (vec![7; 1024], vec![7; 1024], vec![7; 1024])),
        ("a format that was not requested", |r| r.fmt = "fido-u2f".to_owned()),
        ("a statement in the format none", |r| {
            r.statement.insert(Cbor::Text("x".into()), Cbor::Integer(1));
        }),
        ("a certificate", |r| {
            r.fmt = "packed".to_owned();
            r.statement.insert(Cbor::Text("x5c".into()), Cbor::Array(vec![]));
        }),
        ("a P-521 key under ES256", |r| {
            r.cose_key.insert(Cbor::Integer(-1), Cbor::Integer(3));
        }),
    ];
    let app = App::start(Backends::Embedded).await;
    for (label, change) in changes {
        let mut browser = app.browser();
        let options = browser.start_sign_up("ada").await;
        let honest = SoftPasskey::new(&options).registration(&options, &app.origin);
        let mut tampered = SoftPasskey::new(&options).registration(&options, &app.origin);
        change(&mut tampered);
        let code = finish(&mut browser, &tampered).await.refusal();
        assert_eq!(code, (401, "not_verified".to_owned()), "{label}");
        let code = finish(&mut browser, &honest).await.refusal();
        assert_eq!(code, (401, "ceremony_expired".to_owned()), "{label}: the ceremony is spent");
    }
    app.browser().sign_up("ada").await;
}

#[tokio::test]
async fn a_malformed_credential_is_a_bad_request_and_spends_nothing() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let options = browser.start_sign_up("ada").await;
    let honest = SoftPasskey::new(&options).registration(&options, &app.origin).json();
    let spoil = |path: &str, value: Value| {
        let mut credential = honest.clone();
        *credential.pointer_mut(path).unwrap() = value;
        credential
    };
    let cases = [
        json!("text"),
        json!([]),
        json!({}),
        spoil("/id", json!("not base64url!")),
        spoil("/rawId", json!("AA==")),
        spoil("/rawId", json!(7)),
        spoil("/type", Value::Null),
        spoil("/response", json!([encode("{}"), encode("x")])),
        spoil("/response/clientDataJSON", json!("%%%")),
        spoil("/response/clientDataJSON", json!(encode("not json"))),
        spoil("/response/clientDataJSON", json!(encode(r#"["webauthn.create","x","y"]"#))),
        spoil("/response/clientDataJSON", json!(encode(r#"{"type":"webauthn.create"}"#))),
        spoil("/response/clientDataJSON", json!(encode([0xff, 0xfe]))),
        spoil("/response/attestationObject", json!(encode("garbage"))),
        spoil("/response/transports", json!("internal")),
    ];
    for credential in cases {
        let answer = browser.post("/api/sign-up/finish", json!({ "credential": credential })).await;
        assert_eq!(answer.refusal(), (400, "bad_request".to_owned()), "{credential}");
    }
    let answer = browser.post("/api/sign-up/finish", json!({ "credential": honest })).await;
    assert_eq!(answer.status, 200, "nothing was spent: {}", answer.text());
}

#[tokio::test]
async fn a_ceremony_expires_after_five_minutes() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for (age, status) in [(Duration::from_secs(299), 200), (Duration::from_mins(5), 401)] {
            let mut browser = app.browser();
            let options = browser.start_sign_up(&format!("ada{}", age.as_secs())).await;
            app.clock.advance(age);
            let answer = finish(&mut browser, &SoftPasskey::new(&options).registration(&options, &app.origin)).await;
            assert_eq!(answer.status, status, "{age:?}");
        }
    }
}

#[tokio::test]
async fn a_passkey_may_be_device_bound_and_may_have_a_counter() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let options = browser.start_sign_up("ada").await;
    let mut passkey = SoftPasskey::new(&options);
    (passkey.flags, passkey.counter) = (UP | UV, 1);
    let credential = passkey.registration(&options, &app.origin);
    assert_eq!(finish(&mut browser, &credential).await.status, 200);
    passkey.counter = 2;
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
    passkey.flags |= BE;
    passkey.counter = 3;
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200, "backup eligibility may turn on");
    passkey.flags &= !BE;
    passkey.counter = 4;
    assert_eq!(app.browser().sign_in(&passkey).await.refusal(), (401, "not_verified".to_owned()), "but never off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_sign_up_finishes_succeeds() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        let options = browser.start_sign_up("ada").await;
        let registration = SoftPasskey::new(&options).registration(&options, &app.origin).json();
        let finishes = (0..20).map(|_| {
            let (mut browser, body) = (browser.clone(), json!({ "credential": registration }));
            tokio::spawn(async move { browser.post("/api/sign-up/finish", body).await })
        });
        let mut winners = 0;
        for answer in finishes.collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            match answer.status.as_u16() {
                200 => winners += 1,
                status => assert_eq!((status, answer.refusal().1.as_str()), (401, "ceremony_expired")),
            }
        }
        assert_eq!(winners, 1, "{backends:?}");
    }
}
