//! `navigator.credentials` through web-sys, and the newer parts of WebAuthn that web-sys does not know.

use super::BrowserError;
use crate::types::{ApiError, texts};
use js_sys::{Function, JSON, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, HtmlFormElement, HtmlInputElement, Response, VisibilityState, Window};

/// The class with the newer parts of WebAuthn, which are asked for by name: not every browser has them.
const CLASS: &str = "PublicKeyCredential";

/// What the server or an authenticator answered, as the browser has it: handed on unread, in whatever form the browser
/// gives it as JSON.
#[derive(Clone, Debug)]
pub struct Answer(JsValue);

/// What goes with a call; an absent one is left out.
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

impl From<&Answer> for Argument {
    fn from(answer: &Answer) -> Self {
        Self(answer.0.clone())
    }
}

impl<T: Into<Self>> From<Option<T>> for Argument {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(JsValue::UNDEFINED), Into::into)
    }
}

/// A request to the browser that can be ended.
#[derive(Clone, Debug)]
pub struct Abort(Option<AbortController>);

impl Default for Abort {
    fn default() -> Self {
        Self(AbortController::new().ok())
    }
}

impl Abort {
    pub fn abort(&self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// How a sign-in asks for a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mediation {
    /// In the suggestions of the name field, silently until one is chosen.
    Autofill,
    /// The system's dialog.
    Dialog,
    /// The system's dialog only if there is a passkey on this device, else an immediate refusal.
    Immediate,
}

/// Whether the browser has passkeys and their JSON forms.
#[must_use]
pub fn supports_passkeys() -> bool {
    let class = global(CLASS);
    has(&member(&class, "prototype"), "toJSON")
        && ["parseCreationOptionsFromJSON", "parseRequestOptionsFromJSON"].into_iter().all(|name| has(&class, name))
}

/// Whether passkeys can be offered in the suggestions of a field.
pub async fn supports_autofill() -> bool {
    supports_passkeys() && asked_class("isConditionalMediationAvailable").await.is_truthy()
}

/// Whether the browser can look for a passkey at once and be silent when there is none.
pub async fn supports_immediate() -> bool {
    supports_passkeys() && member(&asked_class("getClientCapabilities").await, "immediateGet").is_truthy()
}

/// Posts arguments as JSON; [`call!`] knows where, and their names.
///
/// # Errors
/// What the server refused; what is not an answer of ours is an outage to the person.
pub async fn post<const N: usize>(path: &str, arguments: [(&str, Argument); N]) -> Result<Answer, ApiError> {
    let body = Object::new();
    for (name, Argument(value)) in arguments {
        set(&body, name, value).map_err(|_| ApiError::Unreachable)?;
    }
    let response = sent(path, &body).await.map_err(|_| ApiError::Unreachable)?;
    let json = resolved(response.json().map(Into::into)).await;
    if response.ok() {
        return json.map(Answer).map_err(|_| ApiError::Unavailable);
    }
    let refusal = member(&json.unwrap_or_default(), "error");
    let code = member(&refusal, "code").as_string();
    // A code this build does not know comes from a newer server: nothing better than "something went wrong".
    let error = code.map_or(ApiError::Unavailable, |code| ApiError::of_code(&code).unwrap_or(ApiError::Internal));
    Err(error.with_numbers(None, whole(&member(&refusal, "retry_after"))))
}

async fn sent(path: &str, body: &Object) -> Result<Response, BrowserError> {
    let (request, headers) = (Object::new(), Object::new());
    set(&headers, "Content-Type", "application/json")?;
    set(&request, "method", "POST")?;
    set(&request, "headers", headers)?;
    set(&request, "body", JSON::stringify(body).map_err(reason)?)?;
    fetched(path, &request).await
}

async fn fetched(path: &str, request: &Object) -> Result<Response, BrowserError> {
    let response = window()?.fetch_with_str_and_init(path, request.unchecked_ref());
    JsFuture::from(response).await.map(JsCast::unchecked_into).map_err(reason)
}

/// A text member of an answer.
#[must_use]
pub fn text_in(answer: &Answer, name: &str) -> Option<String> {
    member(&answer.0, name).as_string()
}

/// Asks the system to make a passkey, on the kind of device that `hint` names (WebAuthn Level 3, section 5.8.7); gives one
/// whose JSON is a `RegistrationResponseJSON`.
///
/// # Errors
/// Whatever kept the browser from giving one.
pub async fn create(options: &Answer, hint: &str, abort: &Abort) -> Result<Answer, BrowserError> {
    if !supports_passkeys() {
        return Err(BrowserError::Unsupported);
    }
    let public_key = called(&global(CLASS), "parseCreationOptionsFromJSON", &public_key_in(options)).map_err(reason)?;
    set(public_key.unchecked_ref(), "hints", js_sys::Array::of1(&hint.into()))?;
    let request = request_of(&public_key, abort)?;
    let credentials = window()?.navigator().credentials();
    let promise = credentials.create_with_options(request.unchecked_ref()).map_err(reason)?;
    JsFuture::from(promise).await.map(Answer).map_err(reason)
}

/// Asks for a passkey to sign in with; gives one whose JSON is an `AuthenticationResponseJSON`.
///
/// # Errors
/// Whatever kept the browser from giving one.
pub async fn get(options: &Answer, mediation: Mediation, abort: &Abort) -> Result<Answer, BrowserError> {
    if !supports_passkeys() {
        return Err(BrowserError::Unsupported);
    }
    let public_key = called(&global(CLASS), "parseRequestOptionsFromJSON", &public_key_in(options)).map_err(reason)?;
    let request = request_of(&public_key, abort)?;
    match mediation {
        Mediation::Autofill => set(&request, "mediation", "conditional")?,
        Mediation::Immediate => set(&request, "uiMode", "immediate")?,
        Mediation::Dialog => {}
    }
    let credentials = window()?.navigator().credentials();
    let promise = credentials.get_with_options(request.unchecked_ref()).map_err(reason)?;
    JsFuture::from(promise).await.map(Answer).map_err(reason)
}

/// Tells the device that the server does not know the passkey with which it answered, so that it stops offering it
/// (WebAuthn Level 3, section 5.1.10.2). Quietly does nothing where the browser cannot.
pub async fn forget_unknown(options: &Answer, answer: &Answer) {
    let options = public_key_in(options);
    let rp = member(&options, "rp");
    let rp_id = if rp.is_object() { member(&rp, "id") } else { member(&options, "rpId") };
    let signal = Object::new();
    if set(&signal, "rpId", rp_id).and_then(|()| set(&signal, "credentialId", member(&answer.0, "id"))).is_ok() {
        let _ = resolved(called(&global(CLASS), "signalUnknownCredential", &signal)).await;
    }
}

/// What the server gives the island that is being woken, which the waking script of the page names (`ui/shell.rs`), in the
/// element around it.
#[must_use]
pub fn given(name: &str) -> Option<String> {
    let around = member(&global("island"), "parentElement");
    member(&member(&around, "dataset"), name).as_string()
}

/// What stands in a field, typed or filled in before the page woke up.
#[must_use]
pub fn typed(id: &str) -> Option<String> {
    input(id).map(|input| input.value())
}

/// Whether a box was ticked before the page woke up.
#[must_use]
pub fn is_ticked(id: &str) -> bool {
    input(id).is_some_and(|input| input.checked())
}

fn input(id: &str) -> Option<HtmlInputElement> {
    document()?.get_element_by_id(id)?.dyn_into().ok()
}

/// Leaves for another page of this site.
pub fn go(path: &str) {
    if let Ok(window) = window() {
        let _ = window.location().assign(path);
    }
}

/// Sends a form, as its button would; `false` when there is no such form.
#[must_use]
pub fn submit(form: &str) -> bool {
    let form = document().and_then(|document| document.get_element_by_id(form));
    form.is_some_and(|form| form.unchecked_into::<HtmlFormElement>().submit().is_ok())
}

/// The status with which a path of this site answers; `None` when it does not.
pub async fn answers_with(path: &str) -> Option<u16> {
    fetched(path, &Object::new()).await.ok().map(|response| response.status())
}

/// Puts what an element says where it can be pasted from; `false` where the browser does not allow that.
pub async fn copy_from(id: &str) -> bool {
    let Ok(window) = window() else { return false };
    let Some(element) = document().and_then(|document| document.get_element_by_id(id)) else { return false };
    let clipboard = member(&window.navigator(), "clipboard");
    resolved(called(&clipboard, "writeText", &member(&element, "value"))).await.is_ok()
}

/// Opens the browser's dialog for printing.
pub fn print() {
    if let Ok(window) = window() {
        let _ = window.print();
    }
}

/// Calls one of the signals of `PublicKeyCredential` (WebAuthn Level 3, section 5.1.10) with the object that the text
/// holds. Quietly does nothing where the browser cannot.
pub fn signal(method: &str, json: &str) {
    if let Ok(options) = JSON::parse(json) {
        let promise = called(&global(CLASS), method, &options);
        wasm_bindgen_futures::spawn_local(async move {
            let _ = resolved(promise).await;
        });
    }
}

/// Waits; never returns when the browser has no timers.
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

/// Calls `then` whenever the tab comes to the front, for as long as the page lives.
pub fn when_visible(then: impl Fn() + 'static) {
    let Some(document) = document() else { return };
    let listener = Closure::<dyn Fn()>::new(move || {
        if is_visible() {
            then();
        }
    });
    let _ = document.add_event_listener_with_callback("visibilitychange", listener.as_ref().unchecked_ref());
    listener.forget();
}

fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

fn window() -> Result<Window, BrowserError> {
    web_sys::window().ok_or(BrowserError::Unsupported)
}

fn global(name: &str) -> JsValue {
    member(&js_sys::global(), name)
}

fn member(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

/// A number as whole seconds, of which there are never many.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the conversion saturates at both ends")]
fn whole(number: &JsValue) -> Option<u32> {
    number.as_f64().map(|number| number as u32)
}

fn has(object: &JsValue, method: &str) -> bool {
    object.is_truthy() && member(object, method).is_function()
}

fn set(object: &Object, name: &str, value: impl Into<JsValue>) -> Result<(), BrowserError> {
    Reflect::set(object, &name.into(), &value.into()).map(|_| ()).map_err(reason)
}

/// What a method answers.
///
/// # Errors
/// What it throws; that it is not there.
fn called(object: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    member(object, method).dyn_into::<Function>()?.call1(object, argument)
}

/// What becomes of a promise, or what is there already.
///
/// # Errors
/// What it is refused with.
async fn resolved(promise: Result<JsValue, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&promise?)).await
}

/// What the class says when it is asked; nothing where the browser does not know the question.
async fn asked_class(question: &str) -> JsValue {
    resolved(called(&global(CLASS), question, &JsValue::UNDEFINED)).await.unwrap_or_default()
}

/// The options within the answer that opened a ceremony.
fn public_key_in(answer: &Answer) -> JsValue {
    member(&answer.0, "publicKey")
}

fn request_of(public_key: &JsValue, abort: &Abort) -> Result<Object, BrowserError> {
    let request = Object::new();
    set(&request, "publicKey", public_key)?;
    if let Abort(Some(controller)) = abort {
        set(&request, "signal", controller.signal())?;
    }
    Ok(request)
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn reason(error: JsValue) -> BrowserError {
    match member(&error, "name").as_string().unwrap_or_default().as_str() {
        "NotAllowedError" => BrowserError::Cancelled,
        "AbortError" => BrowserError::Aborted,
        "InvalidStateError" => BrowserError::AlreadyRegistered,
        "ConstraintError" | "NotSupportedError" => BrowserError::Incapable,
        "SecurityError" => BrowserError::WrongSite,
        _ => BrowserError::Failed,
    }
}

thread_local! {
    /// What the page carries of its language, by key; nothing where it is English.
    static TEXTS: Vec<(u32, &'static str)> = carried_texts().unwrap_or_default();
}

fn carried_texts() -> Option<Vec<(u32, &'static str)>> {
    let carried = document()?.get_element_by_id(texts::CARRIED)?.text_content()?;
    // Once for the whole life of the page.
    let carried: &'static str = Box::leak(carried.into_boxed_str());
    let pair = |line: &'static str| Some((u32::from_str_radix(line.get(..8)?, 16).ok()?, line.get(9..)?));
    Some(carried.lines().filter_map(pair).collect())
}

/// A text in the language of the page; `None` where the page does not carry it.
pub fn translated(english: &'static str) -> Option<&'static str> {
    TEXTS.with(|texts| {
        // Nothing is counted out for who reads English.
        let key = (!texts.is_empty()).then(|| texts::key(english))?;
        texts.iter().find(|(known, _)| *known == key).map(|(_, text)| *text)
    })
}
