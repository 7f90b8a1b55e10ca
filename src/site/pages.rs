//! The pages that strangers see, and what is not there.

use super::letters;
use super::render::{Page, context, render};
use crate::server::config::EmailSignIn;
use crate::server::http::AppState;
use crate::server::http::refusal::{refuse, status};
use crate::types::{self, ApiError, paths};
use crate::ui::pages::{HomePage, SignInPage, SignUpInput, SignUpPage, UseRecoveryCodePage};
use axum::extract::{Query, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// What the sign-in page is asked to do afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct SignInQuery {
    next: Option<String>,
    step: Option<String>,
}

pub async fn home(State(state): State<AppState>, request: Request) -> Response {
    let current_user = match context(&state, &request).current_user().await {
        Ok(current_user) => current_user.map(|current_user| current_user.user.view()),
        Err(cause) => return refuse(cause.into()),
    };
    let page = Page {
        title: "Start",
        status: StatusCode::OK,
        interactive: false,
        current_user: current_user.clone(),
        told: None,
    };
    render(&state, request, page, move || view! { <HomePage current_user=current_user.clone() /> }.into_any()).await
}

/// What somebody comes to sign up with.
#[derive(Debug, Default, Deserialize)]
struct SignUpQuery {
    #[serde(default)]
    invite: String,
}

pub async fn sign_up(State(state): State<AppState>, request: Request) -> Response {
    let query = Query::<SignUpQuery>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default();
    match state.auth.may_sign_up(Some(&query.invite)).await {
        Ok(Ok(())) => {}
        Ok(Err(cause)) => return refuse(cause.into()),
        Err(cause) => return refuse(cause.into()),
    }
    sign_up_page(&state, request, SignUpInput { invite: query.invite, ..SignUpInput::default() }, None).await
}

/// The sign-up page, with what was typed and why it was refused.
pub async fn sign_up_page(
    state: &AppState,
    mut request: Request,
    typed: SignUpInput,
    refusal: Option<ApiError>,
) -> Response {
    // A form that was refused stands at an address without the invitation; what leads back here needs it.
    if !typed.invite.is_empty()
        && let Ok(address) = format!("{}?invite={}", paths::SIGN_UP, typed.invite).parse()
    {
        *request.uri_mut() = address;
    }
    let page = Page {
        title: "Sign up",
        status: refusal.map_or(StatusCode::OK, status),
        interactive: true,
        current_user: None,
        told: None,
    };
    let (letters, needs_address) = (signs_in_by_letter(state), state.auth.needs_address);
    let body = move || view! { <SignUpPage typed=typed.clone() refusal letters needs_address /> }.into_any();
    for_strangers(state, request, paths::ACCOUNT, page, body).await
}

pub async fn sign_in(State(state): State<AppState>, request: Request) -> Response {
    let query = Query::<SignInQuery>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default();
    let next = types::Next::or_account(query.next.as_deref());
    match query.step.as_deref() {
        Some("code") => return letters::code_page(&state, request).await,
        Some("recovery") => return recovery_page(&state, request, String::new(), None).await,
        _ => {}
    }
    sign_in_page(&state, request, &next, None).await
}

/// The sign-in page, with what was typed and why it was refused.
pub async fn sign_in_page(
    state: &AppState,
    request: Request,
    next: &types::Next,
    typed: Option<(String, Option<ApiError>)>,
) -> Response {
    let context = context(state, &request);
    let greeted = match context.auth().remembered(context.known.as_ref()).await {
        Ok(user) => user.map(|user| user.view()),
        Err(cause) => return refuse(cause.into()),
    };
    let (typed, refusal) = typed.map_or((None, None), |(typed, refusal)| (Some(typed), refusal));
    let page = Page {
        title: "Sign in",
        status: refusal.map_or(StatusCode::OK, status),
        interactive: true,
        current_user: None,
        told: None,
    };
    let (target, letters) = (next.to_string(), signs_in_by_letter(state));
    let body = move || {
        let (next, typed, greeted) = (target.clone(), typed.clone(), greeted.clone());
        view! { <SignInPage next typed greeted refusal letters /> }.into_any()
    };
    for_strangers(state, request, next.as_str(), page, body).await
}

/// Where a recovery code is typed, with what was typed and why it was refused.
pub async fn recovery_page(
    state: &AppState,
    request: Request,
    identifier: String,
    refusal: Option<ApiError>,
) -> Response {
    let page = Page {
        title: "Use a recovery code",
        status: refusal.map_or(StatusCode::OK, status),
        interactive: false,
        current_user: None,
        told: None,
    };
    let body = move || view! { <UseRecoveryCodePage identifier=identifier.clone() refusal /> }.into_any();
    for_strangers(state, request, paths::ACCOUNT, page, body).await
}

/// Whether letters sign people in here.
fn signs_in_by_letter(state: &AppState) -> bool {
    state.auth.email_sign_in != EmailSignIn::Off
}

/// A page that makes sense only before signing in; names the browser, so that tabs opened together agree on its name.
pub(super) async fn for_strangers(
    state: &AppState,
    request: Request,
    signed_in_target: &str,
    page: Page,
    body: impl Fn() -> leptos::prelude::AnyView + Clone + Send + Sync + 'static,
) -> Response {
    let context = context(state, &request);
    match context.current_user().await {
        Ok(None) => {}
        Ok(Some(_)) => return Redirect::to(signed_in_target).into_response(),
        Err(cause) => return refuse(cause.into()),
    }
    let mut response = render(state, request, page, body).await;
    if let (_, Some(cookie)) = context.browser_or_new() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Sends a stranger to sign in, and back afterwards.
pub fn to_sign_in(next: &str) -> Response {
    Redirect::to(&format!("{}?next={next}", paths::SIGN_IN)).into_response()
}

/// The longest name of a file, in bytes, that every system we know takes, with the ending of a compressed one.
const LONGEST_NAME: usize = 255 - ".br".len();

/// Everything that has no route: a file of the site, or the page that says there is nothing.
pub async fn other(State(state): State<AppState>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refuse(ApiError::NotFound);
    }
    // No file of ours has a longer name, and the system would call it a failure.
    if request.uri().path().split('/').any(|name| name.len() > LONGEST_NAME) {
        return refuse(ApiError::NotFound);
    }
    let without_slash = without_trailing_slash(request.uri());
    let response = state.files.serve(&state.leptos.site_pkg_dir, request).await;
    match (response.status(), without_slash) {
        (StatusCode::NOT_FOUND, Some(target)) => Redirect::permanent(&target).into_response(),
        (StatusCode::NOT_FOUND, None) => refuse(ApiError::NotFound),
        _ => response,
    }
}

/// `/sign-in/?next=x` as `/sign-in?next=x`; `None` where no slash stands at the end of the path.
fn without_trailing_slash(address: &Uri) -> Option<String> {
    let path = address.path().strip_suffix('/').filter(|path| !path.is_empty())?;
    let query = address.query().map(|query| format!("?{query}")).unwrap_or_default();
    types::Next::own(&format!("{path}{query}")).map(|target| target.to_string())
}

pub async fn not_allowed() -> Response {
    refuse(ApiError::MethodNotAllowed)
}
