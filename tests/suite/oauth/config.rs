//! List 2: the configuration profile, and the key set of list 0.

use super::relying_party::{provider, published_keys};
use crate::app::{App, Backends};
use axum::http::Method;
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let app = App::start_with(Backends::Embedded, "https://id.example.org").await;
    app.add_signing_keys().await;
    let answer = app.browser().get("/.well-known/openid-configuration").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "public, max-age=600");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let document = answer.json();
    assert_eq!(document["issuer"], "https://id.example.org");
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "revocation_endpoint",
        "introspection_endpoint",
    ] {
        let url = url::Url::parse(document[endpoint].as_str().unwrap()).unwrap();
        assert_eq!((url.scheme(), url.query(), url.fragment()), ("https", None, None), "{endpoint}");
        let response = crate::http::send_request(&app, (Method::POST, url.path()), &[], "").await;
        assert_ne!(response.status, 404, "{endpoint} exists");
    }
    let list = |name: &str| -> Vec<String> {
        let list = document[name].as_array().unwrap_or_else(|| panic!("{name}"));
        list.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list("response_types_supported"), ["code"]);
    assert_eq!(list("subject_types_supported"), ["public"]);
    assert!(list("id_token_signing_alg_values_supported").contains(&"RS256".to_owned()));
    assert!(list("grant_types_supported").contains(&"authorization_code".to_owned()));
    assert!(list("grant_types_supported").contains(&"refresh_token".to_owned()));
    assert!(list("scopes_supported").contains(&"openid".to_owned()));
    assert!(list("claims_supported").contains(&"sub".to_owned()));
    assert_eq!(list("code_challenge_methods_supported"), ["S256"]);
    assert_eq!(list("ui_locales_supported"), ["en", "de"]);
    assert_eq!(document["request_uri_parameter_supported"], false);
    assert_eq!(document["request_parameter_supported"], false);
    assert_eq!(document["claims_parameter_supported"], true);
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    let same = app.browser().get("/.well-known/oauth-authorization-server").await;
    assert_eq!(same.json(), document);
}

#[tokio::test]
async fn the_key_set_has_public_members_only_and_unique_key_ids() {
    let app = provider(Backends::Embedded).await;
    let answer = app.browser().get("/oauth/jwks").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=600");
    let set = answer.json();
    let keys = set["keys"].as_array().unwrap();
    let names: BTreeSet<_> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), names.len()), (3, 3));
    let public = ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"];
    for key in keys {
        let key: &serde_json::Map<String, Value> = key.as_object().unwrap();
        assert!(key.keys().all(|member| public.contains(&member.as_str())), "{key:?}");
        assert_eq!(key["use"], "sig");
    }
    for (name, key) in published_keys(&app).await {
        assert_eq!(name, key.id(), "the key id is the thumbprint");
    }
}

#[tokio::test]
async fn without_keys_the_provider_is_not_ready_but_the_rest_of_the_site_is() {
    let app = App::start(Backends::Embedded).await;
    for (method, path) in [
        (Method::GET, "/.well-known/openid-configuration"),
        (Method::GET, "/.well-known/oauth-authorization-server"),
        (Method::GET, "/oauth/jwks"),
        (Method::GET, "/oauth/authorize?client_id=x"),
    ] {
        let answer = crate::http::send_request(&app, (method, path), &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "2"), "{path}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = crate::http::send_request(&app, (Method::POST, "/oauth/token"), &form, "grant_type=x").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "2"));
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(app.browser().get("/sign-in").await.status, 200);
}
