//! Tests with passkeys as browsers, operating systems and password managers actually create and send them.

use crate::app::{App, Backends, Browser};
use crate::authenticator::{SoftPasskey, encode, random};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};
use std::time::Duration;

/// Signs up with a modified registration response.
async fn sign_up_with(browser: &mut Browser, name: &str, change: impl FnOnce(&mut Value)) -> (SoftPasskey, u16, Value) {
    let options = browser.start_sign_up(name).await;
    let passkey = SoftPasskey::new(&options);
    let mut credential = passkey.registration(&options, &browser.origin.clone()).json();
    change(&mut credential);
    let answer = browser.post("/api/sign-up/finish", json!({ "credential": credential })).await;
    (passkey, answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn an_empty_user_handle_is_accepted_if_the_user_is_known() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        for handle in [json!(""), Value::Null, json!(encode(&passkey.user_handle))] {
            app.clock.advance(Duration::from_mins(11));
            let options = own.post("/api/reauthenticate/start", json!({})).await.json()["publicKey"].clone();
            let mut credential = passkey.assertion(&options, &app.origin).json();
            credential["response"]["userHandle"] = handle.clone();
            let answer = own.post("/api/reauthenticate/finish", json!({ "credential": credential })).await;
            assert_eq!(answer.status, 200, "{handle}: {}", answer.text());
        }
        let options = own.post("/api/reauthenticate/start", json!({})).await.json()["publicKey"].clone();
        let mut credential = passkey.assertion(&options, &app.origin).json();
        credential["response"]["userHandle"] = json!(encode(random::<16>()));
        let answer = own.post("/api/reauthenticate/finish", json!({ "credential": credential })).await;
        assert_eq!(answer.status, 401, "another user's handle is still refused");

        // If the user is not known yet, the handle identifies them.
        let mut browser = app.browser();
        let options = browser.start_sign_in().await;
        let mut credential = passkey.assertion(&options, &app.origin).json();
        credential["response"]["userHandle"] = json!("");
        let answer = browser.post("/api/sign-in/finish", json!({ "credential": credential })).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
}

#[tokio::test]
async fn transports_are_stored_and_returned_as_the_browser_sent_them() {
    for (number, (sent, stored)) in [
        (json!(["internal", "cable"]), json!(["internal", "hybrid"])),
        (json!(["cable", "hybrid"]), json!(["hybrid"])),
        (json!(["smart-card"]), json!(["smart-card"])),
        (json!(["usb", "nfc", "ble", "of-tomorrow"]), json!(["usb", "nfc", "ble", "of-tomorrow"])),
        (json!([]), json!([])),
    ]
    .into_iter()
    .enumerate()
    {
        for backends in Backends::ALL {
            let app = App::start(backends).await;
            let mut own = app.browser();
            let name = format!("user{number}");
            let (_, status, body) =
                sign_up_with(&mut own, &name, |credential| credential["response"]["transports"] = sent.clone()).await;
            assert_eq!(status, 200, "{sent}: {body}");
            let options = own.post("/api/passkeys/start", json!({})).await.json()["publicKey"].clone();
            let listed = &options["excludeCredentials"][0];
            let transports = listed.get("transports").cloned().unwrap_or(json!([]));
            assert_eq!(transports, stored, "{sent}");
            app.clock.advance(Duration::from_mins(11));
            let options = own.post("/api/reauthenticate/start", json!({})).await.json()["publicKey"].clone();
            let transports = options["allowCredentials"][0].get("transports").cloned().unwrap_or(json!([]));
            assert_eq!(transports, stored, "{sent}");
        }
    }
}

#[tokio::test]
async fn an_attestation_certificate_that_was_not_requested_is_accepted() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let options = own.start_sign_up("ada").await;
        let passkey = SoftPasskey::new(&options);
        let mut registration = passkey.registration(&options, &app.origin);
        registration.fmt = "packed".to_owned();
        registration.aaguid = random();
        let statement = [
            ("alg", Cbor::Integer(-7)),
            ("sig", Cbor::Bytes(random::<70>().to_vec())),
            ("x5c", Cbor::Array(vec![Cbor::Bytes(random::<32>().to_vec())])),
        ];
        registration.statement = statement.into_iter().map(|(name, value)| (Cbor::Text(name.into()), value)).collect();
        let answer = own.post("/api/sign-up/finish", json!({ "credential": registration.json() })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(app.browser().sign_in(&passkey).await.status, 200);

        // A malformed certificate chain is still refused.
        for chain in [Cbor::Array(vec![]), Cbor::Text("x".into()), Cbor::Array(vec![Cbor::Integer(1)])] {
            let mut browser = app.browser();
            let options = browser.start_sign_up("eve").await;
            let mut registration = SoftPasskey::new(&options).registration(&options, &app.origin);
            registration.fmt = "packed".to_owned();
            registration.statement = [
                (Cbor::Text("alg".into()), Cbor::Integer(-7)),
                (Cbor::Text("sig".into()), Cbor::Bytes(random::<70>().to_vec())),
                (Cbor::Text("x5c".into()), chain),
            ]
            .into();
            let answer = browser.post("/api/sign-up/finish", json!({ "credential": registration.json() })).await;
            assert_eq!(answer.refusal(), (401, "not_verified".to_owned()));
        }
    }
}

#[tokio::test]
async fn an_attestation_object_with_a_duplicate_key_is_malformed() {
    let app = App::start(Backends::Embedded).await;
    for (number, twice) in ["fmt", "attStmt", "authData"].into_iter().enumerate() {
        let mut browser = app.browser();
        let (_, status, body) = sign_up_with(&mut browser, &format!("user{number}"), |credential| {
            let object = URL_SAFE_NO_PAD.decode(credential["response"]["attestationObject"].as_str().unwrap()).unwrap();
            let Cbor::Map(map) = serde_cbor_2::from_slice(&object).unwrap() else { panic!("not a map") };
            // A map of four pairs, one of them a duplicate (RFC 8949, section 3.1).
            let mut bytes = vec![0xa4];
            for (key, value) in map.iter().chain(map.iter().filter(|(key, _)| **key == Cbor::Text(twice.into()))) {
                bytes.extend(serde_cbor_2::to_vec(key).unwrap());
                bytes.extend(serde_cbor_2::to_vec(value).unwrap());
            }
            credential["response"]["attestationObject"] = json!(encode(bytes));
        })
        .await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("bad_request")), "{twice}: {body}");
    }
}
