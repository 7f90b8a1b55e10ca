//! `navigator.credentials` through web-sys, and the newer parts of WebAuthn, which web-sys lacks.

use super::calls::JsonValue;
use super::credentials::{credential_to_json, decode_options};
use super::objects::{await_promise, call_method, global, member, reason, set};
use super::page::window;
use crate::browser::{BrowserError, Mediation};
use js_sys::{JSON, Object};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

/// The class with the newer parts of WebAuthn, which are looked up by name since not every browser has them.
const CLASS: &str = "PublicKeyCredential";

/// A handle that aborts a request to the browser. `Send`, so that pages store it the same way in both builds.
#[derive(Clone, Debug)]
pub struct Abort(SendWrapper<Option<AbortController>>);

impl Default for Abort {
    fn default() -> Self {
        Self(SendWrapper::new(AbortController::new().ok()))
    }
}

impl Abort {
    pub fn abort(&self) {
        if let Some(controller) = &*self.0 {
            controller.abort();
        }
    }
}

/// Whether the browser supports passkeys.
#[must_use]
pub fn supports_passkeys() -> bool {
    global(CLASS).is_function()
}

/// Whether passkeys can be offered in the suggestions of a field.
pub async fn supports_autofill() -> bool {
    supports_passkeys() && call_static("isConditionalMediationAvailable").await.is_truthy()
}

/// Whether the browser can open its dialog only if there is a passkey on this device.
pub async fn supports_immediate() -> bool {
    supports_passkeys() && member(&call_static("getClientCapabilities").await, "immediateGet").is_truthy()
}

/// Asks the system to create a passkey, on the kind of device that `hint` names (WebAuthn Level 3, section 5.8.7);
/// returns a `RegistrationResponseJSON`.
///
/// # Errors
/// Why the browser returned no passkey.
pub async fn create(options: &JsonValue, hint: &str, abort: &Abort) -> Result<JsonValue, BrowserError> {
    if !supports_passkeys() {
        return Err(BrowserError::Unsupported);
    }
    let public_key = public_key_in(options);
    decode_options(&public_key);
    set(public_key.unchecked_ref(), "hints", js_sys::Array::of1(&hint.into()))?;
    let request = request_of(&public_key, abort)?;
    let credentials = window()?.navigator().credentials();
    let promise = credentials.create_with_options(request.unchecked_ref()).map_err(reason)?;
    let credential = JsFuture::from(promise).await.map_err(reason)?;
    match credential_to_json(&credential) {
        Ok(json) => Ok(JsonValue(json)),
        Err(unreadable) => {
            // The device has stored a passkey that the server will never know about.
            forget_unknown(options, &JsonValue(credential)).await;
            Err(unreadable)
        }
    }
}

/// Asks for a passkey to sign in with; returns an `AuthenticationResponseJSON`.
///
/// # Errors
/// Why the browser returned no passkey.
pub async fn get(options: &JsonValue, mediation: Mediation, abort: &Abort) -> Result<JsonValue, BrowserError> {
    if !supports_passkeys() {
        return Err(BrowserError::Unsupported);
    }
    let public_key = public_key_in(options);
    decode_options(&public_key);
    let request = request_of(&public_key, abort)?;
    match mediation {
        Mediation::Autofill => set(&request, "mediation", "conditional")?,
        Mediation::Immediate => set(&request, "uiMode", "immediate")?,
        Mediation::Dialog => {}
    }
    let credentials = window()?.navigator().credentials();
    let promise = credentials.get_with_options(request.unchecked_ref()).map_err(reason)?;
    let credential = JsFuture::from(promise).await.map_err(reason)?;
    credential_to_json(&credential).map(JsonValue)
}

/// Tells the device that the server does not know the passkey of this response, so that the device stops offering
/// it (WebAuthn Level 3, section 5.1.10.2). Does nothing if the browser lacks support.
pub async fn forget_unknown(options: &JsonValue, answer: &JsonValue) {
    let options = public_key_in(options);
    let rp = member(&options, "rp");
    let rp_id = if rp.is_object() { member(&rp, "id") } else { member(&options, "rpId") };
    let signal = Object::new();
    if set(&signal, "rpId", rp_id).and_then(|()| set(&signal, "credentialId", member(&answer.0, "id"))).is_ok() {
        let _ = await_promise(call_method(&global(CLASS), "signalUnknownCredential", &signal)).await;
    }
}

/// Calls a signal method of `PublicKeyCredential` (WebAuthn Level 3, section 5.1.10) with an object from JSON. Does
/// nothing if the browser lacks support.
pub fn signal(method: &str, json: &str) {
    if let Ok(options) = JSON::parse(json) {
        let promise = call_method(&global(CLASS), method, &options);
        wasm_bindgen_futures::spawn_local(async move {
            let _ = await_promise(promise).await;
        });
    }
}

/// Calls a static method of the class; undefined if the browser lacks it.
async fn call_static(method: &str) -> JsValue {
    await_promise(call_method(&global(CLASS), method, &JsValue::UNDEFINED)).await.unwrap_or_default()
}

/// The options in the response that started a ceremony.
fn public_key_in(answer: &JsonValue) -> JsValue {
    member(&answer.0, "publicKey")
}

fn request_of(public_key: &JsValue, abort: &Abort) -> Result<Object, BrowserError> {
    let request = Object::new();
    set(&request, "publicKey", public_key)?;
    if let Some(controller) = &*abort.0 {
        set(&request, "signal", controller.signal())?;
    }
    Ok(request)
}
