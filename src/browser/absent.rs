//! The server has no browser: the same signatures as `web.rs`, and nothing behind them.

#![expect(clippy::unused_async, reason = "the signatures are those of the browser")]

use super::BrowserError;
use crate::types::views::WebAuthnJson;
use crate::types::{ApiError, Language, texts};
use leptos::prelude::use_context;

/// A request to the browser that can be ended.
#[derive(Clone, Debug, Default)]
pub struct Abort(());

impl Abort {
    pub fn abort(&self) {}
}

/// How a sign-in asks for a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mediation {
    Autofill,
    Dialog,
    Immediate,
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
pub async fn create(_options: &WebAuthnJson, _hint: &str, _abort: &Abort) -> Result<WebAuthnJson, BrowserError> {
    Err(BrowserError::Unsupported)
}

/// # Errors
/// Always: there is no browser.
pub async fn get(_options: &WebAuthnJson, _mediation: Mediation, _abort: &Abort) -> Result<WebAuthnJson, BrowserError> {
    Err(BrowserError::Unsupported)
}

/// # Errors
/// Always: there is no browser.
pub async fn post(_path: &str, _body: &str) -> Result<WebAuthnJson, ApiError> {
    Err(ApiError::Unreachable)
}

#[must_use]
pub fn text_in(_answer: &WebAuthnJson, _name: &str) -> Option<String> {
    None
}

pub async fn forget_unknown(_options: &WebAuthnJson, _answer: &WebAuthnJson) {}

#[must_use]
pub fn typed(_id: &str) -> Option<String> {
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

pub async fn answers_with(_path: &str) -> Option<u16> {
    None
}

pub async fn copy(_text: &str) -> bool {
    false
}

pub fn print() {}

pub fn signal(_method: &str, _json: &str) {}

pub async fn pause(_millis: u32) {}

#[must_use]
pub fn is_visible() -> bool {
    false
}

pub fn when_visible(_then: impl Fn() + 'static) {}

/// A text in the language of the page that is being rendered.
pub fn translated(english: &'static str) -> Option<&'static str> {
    use_context::<Language>().map(|language| texts::translated(english, language))
}
