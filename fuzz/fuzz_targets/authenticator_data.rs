//! Authenticator data and attestation objects (WebAuthn Level 3, sections 6.1 and 6.5.4).
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::server::auth::{AuthenticationResponse, RegistrationResponse};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

/// `{"type":"x","challenge":"x","origin":"x"}`
const CLIENT_DATA: &str = "eyJ0eXBlIjoieCIsImNoYWxsZW5nZSI6IngiLCJvcmlnaW4iOiJ4In0";

fuzz_target!(|data: &[u8]| {
    let bytes = URL_SAFE_NO_PAD.encode(data);
    let assertion = format!(
        r#"{{"id":"AA","rawId":"AA","type":"public-key","response":{{"clientDataJSON":"{CLIENT_DATA}","authenticatorData":"{bytes}","signature":"AA"}}}}"#
    );
    if let Ok(response) = AuthenticationResponse::parse(&RawValue::from_string(assertion).expect("JSON")) {
        let _ = response.authenticator_data();
    }
    let registration = format!(
        r#"{{"id":"AA","rawId":"AA","type":"public-key","response":{{"clientDataJSON":"{CLIENT_DATA}","attestationObject":"{bytes}"}}}}"#
    );
    if let Ok(response) = RegistrationResponse::parse(&RawValue::from_string(registration).expect("JSON")) {
        let _ = response.examine();
    }
});
