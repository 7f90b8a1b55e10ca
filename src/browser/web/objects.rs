//! Access to members of JavaScript objects by name.

use crate::browser::BrowserError;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::JsFuture;

/// A global of the page, such as a class; undefined if there is none.
pub fn global(name: &str) -> JsValue {
    member(&js_sys::global(), name)
}

/// A member of an object; undefined if there is none, or if the value is not an object.
pub fn member(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

/// Sets a member.
///
/// # Errors
/// When the object cannot be changed.
pub fn set(object: &Object, name: &str, value: impl Into<JsValue>) -> Result<(), BrowserError> {
    Reflect::set(object, &name.into(), &value.into()).map(|_| ()).map_err(reason)
}

/// Calls a method with one argument.
///
/// # Errors
/// The exception of the method; an error when there is no such method.
pub fn call_method(object: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    member(object, method).dyn_into::<Function>()?.call1(object, argument)
}

/// Awaits a promise; returns any other value unchanged.
///
/// # Errors
/// The reason of the rejection.
pub async fn await_promise(promise: Result<JsValue, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&promise?)).await
}

/// Maps an exception of the browser by its name.
#[expect(clippy::needless_pass_by_value, reason = "passed to `map_err`")]
pub fn reason(error: JsValue) -> BrowserError {
    match member(&error, "name").as_string().unwrap_or_default().as_str() {
        "NotAllowedError" => BrowserError::Cancelled,
        "AbortError" => BrowserError::Aborted,
        "InvalidStateError" => BrowserError::AlreadyRegistered,
        "ConstraintError" | "NotSupportedError" => BrowserError::Incapable,
        "SecurityError" => BrowserError::WrongSite,
        _ => BrowserError::Failed,
    }
}
