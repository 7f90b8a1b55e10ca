//! Converts between JSON and the objects of `navigator.credentials` (WebAuthn Level 3, sections 5.1.8 and 5.1.9), by
//! hand: browsers up to Safari 18.3 have no methods for it, and those of some password managers throw.

use super::objects::{call_method, member};
use crate::browser::BrowserError;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::JsValue;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Decodes the base64url members of the options into bytes, in place.
pub fn decode_options(options: &JsValue) {
    decode_member(options, "challenge");
    decode_member(&member(options, "user"), "id");
    for list in ["excludeCredentials", "allowCredentials"] {
        let list = member(options, list);
        let mut place = 0;
        while let Ok(listed) = Reflect::get_u32(&list, place)
            && listed.is_object()
        {
            decode_member(&listed, "id");
            place += 1;
        }
    }
}

fn decode_member(object: &JsValue, name: &str) {
    if let Some(text) = member(object, name).as_string() {
        put(object, name, &Uint8Array::from(&*decode_base64url(&text)));
    }
}

/// A credential as a `RegistrationResponseJSON` or `AuthenticationResponseJSON`.
///
/// # Errors
/// [`BrowserError::Unreadable`] if a required member is missing.
pub fn credential_to_json(credential: &JsValue) -> Result<JsValue, BrowserError> {
    let (json, answer) = (JsValue::from(Object::new()), JsValue::from(Object::new()));
    let response = member(credential, "response");
    for (from, to, name) in [
        (&response, &answer, "clientDataJSON"),
        (&response, &answer, "attestationObject"),
        (&response, &answer, "authenticatorData"),
        (&response, &answer, "signature"),
        (&response, &answer, "userHandle"),
        (credential, &json, "authenticatorAttachment"),
        (credential, &json, "type"),
        (credential, &json, "id"),
        (credential, &json, "rawId"),
    ] {
        put(to, name, &text_of(&member(from, name)));
    }
    let id = member(&json, "rawId");
    if id.is_falsy() || member(&answer, "clientDataJSON").is_falsy() {
        return Err(BrowserError::Unreadable);
    }
    put(&json, "id", &id);
    put(&json, "response", &answer);
    put(&answer, "transports", &call_method(&response, "getTransports", &JsValue::NULL).unwrap_or_default());
    Ok(json)
}

/// Encodes bytes as text; leaves text unchanged.
fn text_of(value: &JsValue) -> JsValue {
    if value.is_object() { encode_base64url(&Uint8Array::new(value).to_vec()).into() } else { value.clone() }
}

/// Sets a member, which cannot fail for a new object.
fn put(object: &JsValue, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &name.into(), value);
}

/// Decodes base64url (RFC 4648, section 5); other characters are ignored.
fn decode_base64url(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    let digit = |byte: u8| ALPHABET.iter().zip(0_u32..).find(|(known, _)| **known == byte);
    for (_, digit) in text.bytes().filter_map(digit) {
        bits = bits << 6 | digit;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count).to_le_bytes()[0]);
        }
    }
    bytes
}

/// Encodes bytes as base64url without padding.
fn encode_base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}
