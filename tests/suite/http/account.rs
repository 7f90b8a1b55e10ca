//! Tests of listing and revoking sessions and of renaming passkeys.

use crate::app::{App, Backends};
use serde_json::{Value, json};
use std::time::Duration;

fn session_ids(list: &Value) -> Vec<String> {
    list["sessions"].as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn sessions_are_listed_and_revoked_individually_or_all_at_once() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = own.sign_up("ada").await;
        let mut others = [app.browser(), app.browser(), app.browser()];
        for other in &mut others {
            app.clock.advance(Duration::from_secs(1));
            assert_eq!(other.sign_in(&passkey).await.status, 200);
        }
        let list = own.get("/api/sessions").await.json();
        let all = session_ids(&list);
        assert_eq!(all.len(), 4);
        let currents: Vec<_> = list["sessions"].as_array().unwrap().iter().filter(|s| s["current"] == true).collect();
        assert_eq!((currents.len(), currents[0]["id"].as_str().unwrap()), (1, all[3].as_str()), "most recent first");

        let answer = own.post("/api/sessions/revoke", json!({ "id": all[0] })).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "revoked": 1 })));
        assert!(!others[2].is_signed_in().await && others[1].is_signed_in().await);
        assert_eq!(own.post("/api/sessions/revoke", json!({ "id": all[0] })).await.refusal().1, "not_found");

        assert_eq!(own.post("/api/sessions/revoke", json!({ "others": true })).await.json(), json!({ "revoked": 2 }));
        assert!(own.is_signed_in().await && !others[0].is_signed_in().await);
        assert_eq!(own.post("/api/sessions/revoke", json!({ "others": true })).await.json(), json!({ "revoked": 0 }));
    }
}

#[tokio::test]
async fn the_sessions_of_a_passkey_can_be_revoked() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up("ada").await;
        let options = own.post("/api/passkeys/start", json!({})).await.json()["publicKey"].clone();
        let second = crate::authenticator::SoftPasskey::new(&options);
        let credential = second.registration(&options, &app.origin).json();
        let id =
            own.post("/api/passkeys/finish", json!({ "credential": credential })).await.json()["passkey"]["id"].clone();
        let mut lost = app.browser();
        lost.sign_in(&second).await;
        assert_eq!(own.post("/api/sessions/revoke", json!({ "passkey": id })).await.json(), json!({ "revoked": 1 }));
        assert!(!lost.is_signed_in().await && own.is_signed_in().await);
    }
}

#[tokio::test]
async fn ids_of_other_users_are_answered_like_unknown_ids() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let (mut ada, mut eve) = (app.browser(), app.browser());
        ada.sign_up("ada").await;
        eve.sign_up("eve").await;
        let session = session_ids(&ada.get("/api/sessions").await.json())[0].clone();
        let passkey = ada.get("/api/passkeys").await.json()["passkeys"][0]["id"].as_str().unwrap().to_owned();
        for (path, theirs, unknown) in [
            ("/api/sessions/revoke", json!({ "id": session }), json!({ "id": "AAAAAAAAAAAAAAAAAAAAAA" })),
            ("/api/sessions/revoke", json!({ "passkey": passkey }), json!({ "passkey": "AAAA" })),
            ("/api/passkeys/rename", json!({ "id": passkey, "name": "Mine" }), json!({ "id": "AAAA", "name": "Mine" })),
        ] {
            let answers = [eve.post(path, theirs).await, eve.post(path, unknown).await];
            assert_eq!(answers[0].refusal(), (404, "not_found".to_owned()), "{path}");
            assert_eq!(answers[0].text(), answers[1].text());
        }
        for body in [json!({ "id": "%%%" }), json!({ "id": "" }), json!({ "passkey": "%%%" })] {
            assert_eq!(eve.post("/api/sessions/revoke", body).await.refusal().0, 404);
        }
        for body in
            [json!({}), json!({ "others": false }), json!({ "others": true, "id": session }), json!({ "id": 7 })]
        {
            assert_eq!(eve.post("/api/sessions/revoke", body).await.refusal(), (400, "bad_request".to_owned()));
        }
        assert!(ada.is_signed_in().await);
        for path in ["/api/sessions/revoke", "/api/passkeys/rename"] {
            let body = json!({ "others": true, "id": "AAAA", "name": "x" });
            assert_eq!(app.browser().post(path, body).await.refusal(), (401, "signed_out".to_owned()));
        }
        assert_eq!(app.browser().get("/api/sessions").await.refusal().1, "signed_out");
    }
}

#[tokio::test]
async fn a_passkey_is_renamed() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        browser.sign_up("ada").await;
        let id = browser.get("/api/passkeys").await.json()["passkeys"][0]["id"].clone();
        let answer = browser.post("/api/passkeys/rename", json!({ "id": id, "name": " My <b>phone</b> " })).await;
        assert_eq!(answer.json()["passkey"]["name"], "My <b>phone</b>");
        assert_eq!(browser.get("/api/passkeys").await.json()["passkeys"][0]["name"], "My <b>phone</b>");
        let page = browser.get("/account/passkeys").await.text();
        assert!(page.contains("&lt;b&gt;phone") && !page.contains("<b>phone"), "{page}");
        for name in ["", " ", "a\u{0}b", "x\u{202e}", &"x".repeat(65)] {
            let answer = browser.post("/api/passkeys/rename", json!({ "id": id, "name": name })).await;
            assert_eq!(answer.refusal(), (422, "invalid_name".to_owned()), "{name:?}");
        }
    }
}

#[tokio::test]
async fn the_account_page_works_with_plain_forms() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    let mut other = app.browser();
    other.sign_in(&passkey).await;
    let id = own.get("/api/passkeys").await.json()["passkeys"][0]["id"].as_str().unwrap().to_owned();
    let answer = own.form("/account", &[("action", "rename-passkey"), ("id", &id), ("name", "Blue key")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account/passkeys"));
    let page = own.get("/account/passkeys").await.text();
    assert!(page.contains("Passkey renamed.") && page.contains("Blue key"));
    let long = "x".repeat(65);
    let answer = own.form("/account", &[("action", "rename-passkey"), ("id", &id), ("name", &long)]).await;
    assert_eq!(answer.status, 422);
    let page = answer.text();
    assert!(page.contains("Use a name of 1 to 64 characters") && page.contains(&format!("value=\"{long}\"")), "{page}");
    assert_eq!(page.matches("<details open").count(), 1, "only the submitted form is open");
    own.form("/account", &[("action", "end-session"), ("id", "nonsense")]).await;
    assert!(own.get("/account/devices").await.text().contains("that entry was already removed."));
    own.form("/account", &[("action", "end-others")]).await;
    assert!(own.is_signed_in().await && !other.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_during_a_revocation_is_revoked_completely_or_not_at_all() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        let passkey = std::sync::Arc::new(own.sign_up("ada").await);
        for _ in 0..5 {
            let sign_ins = (0..6).map(|_| {
                let (mut browser, passkey) = (app.browser(), std::sync::Arc::clone(&passkey));
                tokio::spawn(async move {
                    let answer = browser.sign_in(&passkey).await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    browser
                })
            });
            let sign_ins: Vec<_> = sign_ins.collect();
            own.post("/api/sessions/revoke", json!({ "others": true })).await;
            let mut alive = 0;
            for sign_in in sign_ins {
                alive += usize::from(sign_in.await.unwrap().is_signed_in().await);
            }
            assert_eq!(session_ids(&own.get("/api/sessions").await.json()).len(), alive + 1);
            own.post("/api/sessions/revoke", json!({ "others": true })).await;
        }
    }
}
