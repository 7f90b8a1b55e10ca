//! One `fetch` for all calls to the server (docs/adr/0004).

use super::objects::{await_promise, member, reason, set};
use super::page::window;
use crate::browser::BrowserError;
use crate::types::ApiError;
use crate::types::error::Details;
use js_sys::{JSON, Object};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// A JSON-serializable response of the server or an authenticator, passed on unread.
#[derive(Clone, Debug)]
pub struct JsonValue(pub(super) JsValue);

/// An argument of a call; an undefined one is omitted.
#[derive(Debug)]
pub struct Argument(JsValue);

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<bool> for Argument {
    fn from(flag: bool) -> Self {
        Self(flag.into())
    }
}

impl From<&JsonValue> for Argument {
    fn from(answer: &JsonValue) -> Self {
        Self(answer.0.clone())
    }
}

impl<T: Into<Self>> From<Option<T>> for Argument {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(JsValue::UNDEFINED), Into::into)
    }
}

/// Posts arguments as JSON; [`call!`] supplies the path and the names.
///
/// # Errors
/// The server's refusal; a response in any other format counts as an outage.
pub async fn post<const N: usize>(path: &str, arguments: [(&str, Argument); N]) -> Result<JsonValue, ApiError> {
    let body = Object::new();
    for (name, Argument(value)) in arguments {
        set(&body, name, value).map_err(|_| ApiError::Unreachable)?;
    }
    let response = send(path, &body).await.map_err(|_| ApiError::Unreachable)?;
    let json = await_promise(response.json().map(Into::into)).await;
    if response.ok() {
        return json.map(JsonValue).map_err(|_| ApiError::Unavailable);
    }
    let refusal = member(&json.unwrap_or_default(), "error");
    let code = member(&refusal, "code").as_string();
    // A code that this build does not know comes from a newer server.
    let error = code.map_or(ApiError::Unavailable, |code| ApiError::from_code(&code).unwrap_or(ApiError::Internal));
    Err(error.with_details(Details {
        tries_left: None,
        retry_after: to_u32_saturating(&member(&refusal, "retry_after")),
        forget: member(&refusal, "forget").is_truthy(),
        suspended: member(&refusal, "suspended").is_truthy(),
    }))
}

async fn send(path: &str, body: &Object) -> Result<Response, BrowserError> {
    let (request, headers) = (Object::new(), Object::new());
    set(&headers, "Content-Type", "application/json")?;
    set(&request, "method", "POST")?;
    set(&request, "headers", headers)?;
    set(&request, "body", JSON::stringify(body).map_err(reason)?)?;
    fetch(path, &request).await
}

async fn fetch(path: &str, request: &Object) -> Result<Response, BrowserError> {
    let response = window()?.fetch_with_str_and_init(path, request.unchecked_ref());
    JsFuture::from(response).await.map(JsCast::unchecked_into).map_err(reason)
}

/// A string member of a response.
#[must_use]
pub fn string_member(answer: &JsonValue, name: &str) -> Option<String> {
    member(&answer.0, name).as_string()
}

/// The status of a response to `GET` for a path of this site; `None` without a response.
pub async fn status_of_path(path: &str) -> Option<u16> {
    fetch(path, &Object::new()).await.ok().map(|response| response.status())
}

/// A number without its fraction, limited to the range of `u32`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the conversion saturates at both ends")]
fn to_u32_saturating(number: &JsValue) -> Option<u32> {
    number.as_f64().map(|number| number as u32)
}
