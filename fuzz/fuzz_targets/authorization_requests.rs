//! Authorization requests as applications and attackers send them.
#![no_main]

use latchkey::server::jose::Algorithm;
use latchkey::server::model::ApplicationId;
use latchkey::server::model::oauth::{Client, ConsentRule, RedirectUri};
use latchkey::server::oauth::{AuthorizationRequest, Parameters, ReturnTo, return_to};
use libfuzzer_sys::fuzz_target;

fn client(is_public: bool) -> Client {
    let uris = ["https://app.example/cb?a=1", "http://127.0.0.1/cb", "org.example.app:/cb"];
    Client {
        application: ApplicationId::parse("app").expect("an id"),
        client_id: "app".to_owned(),
        is_public,
        requires_pkce: is_public,
        algorithm: Algorithm::Rs256,
        claims_in_id_token: false,
        consent: ConsentRule::Once,
        refreshes: false,
        redirect_uris: uris.iter().map(|uri| RedirectUri::register(uri, is_public).expect("a URI")).collect(),
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
        claim_rules: Vec::new(),
    }
}

fuzz_target!(|query: &[u8]| {
    let parameters = Parameters::parse(query);
    for is_public in [false, true] {
        let client = client(is_public);
        if let Ok(ReturnTo { redirect_uri, mode, state }) = return_to(&parameters, &client) {
            // Only the port of a loopback address may differ from what is registered.
            let is_registered = client.redirect_uris.iter().any(|uri| uri.as_str() == redirect_uri);
            assert!(is_registered || (is_public && redirect_uri.starts_with("http://127.0.0.1")));
            let _ = AuthorizationRequest::parse(&parameters, &client, ReturnTo { redirect_uri, mode, state });
        }
    }
    // Parameters stay the same when they are stored and parsed again.
    assert_eq!(Parameters::parse(parameters.write().as_bytes()), parameters);
    if let Ok(text) = std::str::from_utf8(query) {
        if let Ok(uri) = RedirectUri::register(text, true) {
            assert!(!uri.is_unprotected() && uri.admits(text, true));
        }
    }
});
