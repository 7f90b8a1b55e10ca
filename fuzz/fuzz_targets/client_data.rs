//! Client data (WebAuthn Level 3, section 5.8.1) as a browser would send it, in an otherwise valid response.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::server::auth::AuthenticationResponse;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|data: &[u8]| {
    let json = format!(
        r#"{{"id":"AA","rawId":"AA","type":"public-key","response":{{"clientDataJSON":"{}","authenticatorData":"AA","signature":"AA"}}}}"#,
        URL_SAFE_NO_PAD.encode(data)
    );
    let raw = RawValue::from_string(json).expect("base64url is JSON");
    let _ = AuthenticationResponse::parse(&raw);
});
