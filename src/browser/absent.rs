//! Stubs with the signatures of `web`, since the server has no browser.

#![expect(clippy::unused_async, reason = "the signatures are those of the browser")]

use super::{BrowserError, Mediation};
use crate::types::{ApiError, Language, PropertyMap, texts};
use leptos::prelude::use_context;

/// A JSON value.
#[derive(Clone, Debug)]
pub struct JsonValue(());

/// An argument of a call.
#[derive(Debug)]
pub struct Argument(());

impl From<&str> for Argument {
    fn from(_text: &str) -> Self {
        Self(())
    }
}

impl From<bool> for Argument {
    fn from(_flag: bool) -> Self {
        Self(())
    }
}

impl From<&JsonValue> for Argument {
    fn from(_answer: &JsonValue) -> Self {
        Self(())
    }
}

impl<T: Into<Self>> From<Option<T>> for Argument {
    fn from(_value: Option<T>) -> Self {
        Self(())
    }
}

/// A handle that aborts a request to the browser.
#[derive(Clone, Debug, Default)]
pub struct Abort(());

impl Abort {
    pub fn abort(&self) {}
}

#[must_use]
pub fn supports_passkeys() -> bool {
    false
}

pub async fn supports_autofill() -> bool {
    false
}

pub async fn supports_immediate() -> bool {
    false
}

/// # Errors
/// Always: there is no browser.
pub async fn create(_options: &JsonValue, _hint: &str, _abort: &Abort) -> Result<JsonValue, BrowserError> {
    Err(BrowserError::Unsupported)
}

/// # Errors
/// Always: there is no browser.
pub async fn get(_options: &JsonValue, _mediation: Mediation, _abort: &Abort) -> Result<JsonValue, BrowserError> {
    Err(BrowserError::Unsupported)
}

/// # Errors
/// Always: there is no browser.
pub async fn post<const N: usize>(_path: &str, _arguments: [(&str, Argument); N]) -> Result<JsonValue, ApiError> {
    Err(ApiError::Unreachable)
}

#[must_use]
pub fn string_member(_answer: &JsonValue, _name: &str) -> Option<String> {
    None
}

pub async fn forget_unknown(_options: &JsonValue, _answer: &JsonValue) {}

/// A property of the island that is being rendered.
#[must_use]
pub fn island_property(name: &str) -> Option<String> {
    use_context::<PropertyMap>()?.get(name)
}

#[must_use]
pub fn field_value(_id: &str) -> Option<String> {
    None
}

#[must_use]
pub fn is_ticked(_id: &str) -> bool {
    false
}

pub fn go(_path: &str) {}

#[must_use]
pub fn submit(_form: &str) -> bool {
    false
}

pub fn press_passkey_button(_form: &str) {}

pub async fn status_of_path(_path: &str) -> Option<u16> {
    None
}

pub async fn copy_from(_id: &str) -> bool {
    false
}

pub fn print() {}

pub fn remove(_selector: &str) {}

pub fn mark_title(_error: &str, _is_error: bool) {}

pub fn signal(_method: &str, _json: &str) {}

pub async fn pause(_millis: u32) {}

#[must_use]
pub fn is_visible() -> bool {
    false
}

pub fn when_visible(_then: impl Fn() + 'static) {}

/// A text in the language of the page that is being rendered.
pub fn translate(english: &'static str) -> Option<&'static str> {
    use_context::<Language>().map(|language| texts::translate(english, language))
}
