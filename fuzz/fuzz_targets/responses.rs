//! Complete WebAuthn responses of browsers, as JSON.
#![no_main]

use latchkey::server::auth::{AuthenticationResponse, RegistrationResponse};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|text: String| {
    let Ok(raw) = RawValue::from_string(text) else { return };
    if let Ok(response) = RegistrationResponse::parse(&raw) {
        let _ = response.examine();
    }
    if let Ok(response) = AuthenticationResponse::parse(&raw) {
        let _ = response.authenticator_data();
    }
});
