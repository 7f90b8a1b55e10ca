//! Reading and changing the page.

use super::objects::{await_promise, call_method, global, member, set};
use crate::browser::BrowserError;
use js_sys::{Function, Promise};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlFormElement, HtmlInputElement, VisibilityState, Window};

/// A property of the island that is being hydrated, from the element around it. The script of the page names the island
/// (`ui/shell.rs`).
#[must_use]
pub fn island_property(name: &str) -> Option<String> {
    let around = member(&global("island"), "parentElement");
    member(&member(&around, "dataset"), name).as_string()
}

/// The value of a field, including text that was entered before hydration.
#[must_use]
pub fn field_value(id: &str) -> Option<String> {
    input(id).map(|input| input.value())
}

/// Whether a checkbox was ticked before hydration.
#[must_use]
pub fn is_ticked(id: &str) -> bool {
    input(id).is_some_and(|input| input.checked())
}

fn input(id: &str) -> Option<HtmlInputElement> {
    document()?.get_element_by_id(id)?.dyn_into().ok()
}

/// Goes to another page of this site.
pub fn go(path: &str) {
    if let Ok(window) = window() {
        let _ = window.location().assign(path);
    }
}

/// Submits a form; `false` if there is no such form.
#[must_use]
pub fn submit(form: &str) -> bool {
    let form = document().and_then(|document| document.get_element_by_id(form));
    form.is_some_and(|form| form.unchecked_into::<HtmlFormElement>().submit().is_ok())
}

/// Submits a form as if its passkey button were pressed.
pub fn press_passkey_button(form: &str) {
    let Some(form) = document().and_then(|document| document.get_element_by_id(form)) else { return };
    if let Ok(button) = call_method(&form, "querySelector", &"[value=passkey]".into()) {
        let _ = call_method(&form, "requestSubmit", &button);
    }
}

/// Removes the element that a CSS selector finds. It must not belong to an island.
pub fn remove(selector: &str) {
    if let Some(element) = document().and_then(|document| document.query_selector(selector).ok().flatten()) {
        element.remove();
    }
}

/// Adds the word for an error to the title, or removes it; `error` is a text such as `Error: {}`.
pub fn mark_title(error: &str, is_error: bool) {
    let Some(document) = document() else { return };
    let (title, word) = (document.title(), error.trim_end_matches("{}"));
    let plain = title.strip_prefix(word).unwrap_or(&title);
    document.set_title(&if is_error { format!("{word}{plain}") } else { plain.to_owned() });
}

/// The CSS selector of code fields.
const CODE_FIELD: &str = "[autocomplete=one-time-code]";

/// How long a second submission is ignored, in milliseconds: users press Enter from habit after the sixth digit.
const HABIT: f64 = 2_000.0;

/// Submits a code form when the sixth digit is entered, and only once.
pub fn submit_complete_codes() {
    on("input", |event| {
        let field = member(event, "target");
        let text = member(&field, "value").as_string().unwrap_or_default();
        let is_complete = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_complete && call_method(&field, "matches", &CODE_FIELD.into()).is_ok_and(|is_code| is_code.is_truthy()) {
            let _ = call_method(&member(&field, "form"), "requestSubmit", &JsValue::UNDEFINED);
        }
    });
    on("submit", |event| {
        let form = member(event, "target");
        let now = member(event, "timeStamp").as_f64().unwrap_or_default();
        if !call_method(&form, "querySelector", &CODE_FIELD.into()).is_ok_and(|field| field.is_truthy()) {
            return;
        }
        if member(&form, "sentAt").as_f64().is_some_and(|sent| now - sent < HABIT) {
            let _ = call_method(event, "preventDefault", &JsValue::UNDEFINED);
        } else {
            let _ = set(form.unchecked_ref(), "sentAt", now);
        }
    });
}

/// Calls `then` for every event of a kind, as long as the page is open.
fn on(kind: &str, then: impl Fn(&JsValue) + 'static) {
    let Some(document) = document() else { return };
    let listener = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| then(&event));
    let _ = document.add_event_listener_with_callback(kind, listener.as_ref().unchecked_ref());
    listener.forget();
}

/// Copies the value of an element to the clipboard; `false` if the browser does not allow that.
pub async fn copy_from(id: &str) -> bool {
    let Ok(window) = window() else { return false };
    let Some(element) = document().and_then(|document| document.get_element_by_id(id)) else { return false };
    let clipboard = member(&window.navigator(), "clipboard");
    await_promise(call_method(&clipboard, "writeText", &member(&element, "value"))).await.is_ok()
}

/// Opens the print dialog.
pub fn print() {
    if let Ok(window) = window() {
        let _ = window.print();
    }
}

/// Waits; never returns if the browser has no timers.
pub async fn pause(millis: u32) {
    let millis = i32::try_from(millis).unwrap_or(i32::MAX);
    let promise = Promise::new(&mut |resolve: Function, _| {
        if let Some(window) = web_sys::window() {
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
        }
    });
    let _ = JsFuture::from(promise).await;
}

#[must_use]
pub fn is_visible() -> bool {
    document().is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}

/// Calls `then` whenever the tab becomes visible, as long as the page is open.
pub fn when_visible(then: impl Fn() + 'static) {
    on("visibilitychange", move |_| {
        if is_visible() {
            then();
        }
    });
}

pub fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

pub fn window() -> Result<Window, BrowserError> {
    web_sys::window().ok_or(BrowserError::Unsupported)
}
