use super::render::{Page, context, refuse_politely, render};
use crate::server::http::refusal::status;
use crate::server::http::{AppState, assets};
use crate::types::{ApiError, Next, paths};
use crate::ui::pages::{AccountPage, HomePage, RefusalPage, SignInPage, SignUpPage, heading};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// What the sign-in page is asked to do afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct SignInQuery {
    next: Option<String>,
}

pub async fn home(State(state): State<AppState>, request: Request) -> Response {
    let visitor = match context(&state, &request).visitor().await {
        Ok(visitor) => visitor.map(|visitor| visitor.user.view()),
        Err(cause) => return refusal_page(&state, request, cause.into()).await,
    };
    let page = Page { title: "Start", status: StatusCode::OK, interactive: false, visitor: visitor.clone() };
    render(&state, request, page, move || view! { <HomePage visitor=visitor.clone() /> }.into_any()).await
}

pub async fn sign_up(State(state): State<AppState>, request: Request) -> Response {
    let page = Page { title: "Sign up", status: StatusCode::OK, interactive: true, visitor: None };
    for_strangers(&state, request, paths::ACCOUNT, page, || view! { <SignUpPage /> }.into_any()).await
}

pub async fn sign_in(State(state): State<AppState>, request: Request) -> Response {
    let wish = Query::<SignInQuery>::try_from_uri(request.uri()).ok().and_then(|Query(query)| query.next);
    let next = Next::or_account(wish.as_deref());
    let page = Page { title: "Sign in", status: StatusCode::OK, interactive: true, visitor: None };
    let target = next.to_string();
    let body = move || view! { <SignInPage next=Some(target.clone()) /> }.into_any();
    for_strangers(&state, request, next.as_str(), page, body).await
}

/// A page that makes sense only before signing in; names the browser, so that tabs opened together agree on its name.
async fn for_strangers(
    state: &AppState,
    request: Request,
    signed_in_target: &str,
    page: Page,
    body: impl Fn() -> leptos::prelude::AnyView + Clone + Send + Sync + 'static,
) -> Response {
    let context = context(state, &request);
    match context.visitor().await {
        Ok(None) => {}
        Ok(Some(_)) => return Redirect::to(signed_in_target).into_response(),
        Err(cause) => return refusal_page(state, request, cause.into()).await,
    }
    let mut response = render(state, request, page, body).await;
    if let (_, Some(cookie)) = context.browser_or_new() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

pub async fn account(State(state): State<AppState>, request: Request) -> Response {
    let context = context(&state, &request);
    let visitor = match context.visitor().await {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return to_sign_in(paths::ACCOUNT),
        Err(cause) => return refusal_page(&state, request, cause.into()).await,
    };
    let auth = context.auth();
    let passkeys = match auth.store.count_passkeys(&visitor.user, auth.relying_party.id()).await {
        Ok(count) => count,
        Err(cause) => return refusal_page(&state, request, cause.into()).await,
    };
    let user = visitor.user.view();
    let page = Page { title: "Account", status: StatusCode::OK, interactive: false, visitor: Some(user.clone()) };
    render(&state, request, page, move || view! { <AccountPage user=user.clone() passkeys /> }.into_any()).await
}

/// Sends a stranger to sign in, and back afterwards.
fn to_sign_in(next: &str) -> Response {
    Redirect::to(&format!("{}?next={next}", paths::SIGN_IN)).into_response()
}

/// Everything that has no route: a file of the site, or the page that says there is nothing.
pub async fn other(State(state): State<AppState>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refuse_politely(&state, request, ApiError::NotFound).await;
    }
    let (parts, body) = request.into_parts();
    let probe = Request::from_parts(parts.clone(), axum::body::Body::empty());
    let response = assets::serve(&state.leptos.site_root, &state.leptos.site_pkg_dir, probe).await;
    if response.status() != StatusCode::NOT_FOUND {
        return response;
    }
    let request = Request::from_parts(parts, body);
    refusal_page(&state, request, ApiError::NotFound).await
}

pub async fn not_allowed(State(state): State<AppState>, request: Request) -> Response {
    refuse_politely(&state, request, ApiError::MethodNotAllowed).await
}

/// The page for a refusal; it knows nobody, since it is also shown when the database is away.
pub async fn refusal_page(state: &AppState, request: Request, error: ApiError) -> Response {
    let page = Page { title: heading(error), status: status(error), interactive: false, visitor: None };
    let mut response = render(state, request, page, move || view! { <RefusalPage error /> }.into_any()).await;
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
