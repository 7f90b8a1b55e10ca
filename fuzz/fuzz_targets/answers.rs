//! Whole answers of browsers, as JSON.
#![no_main]

use latchkey::server::auth::{AuthenticationResponse, RegistrationResponse};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|text: String| {
    let Ok(raw) = RawValue::from_string(text) else { return };
    if let Ok(answer) = RegistrationResponse::parse(&raw) {
        let _ = answer.examine();
    }
    if let Ok(answer) = AuthenticationResponse::parse(&raw) {
        let _ = answer.authenticator_data();
    }
});
