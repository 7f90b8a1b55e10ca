//! `/oauth/logout`: where applications send users to sign out.

use super::{answer, token_after};
use crate::server::auth::view as views;
use crate::server::http::RequestContext;
use crate::server::http::body::MAX_BODY;
use crate::server::http::edge::Edge;
use crate::server::http::security_headers::clear_storage;
use crate::server::oauth::{Holder, LogoutDecision, Parameters, Pending, Target};
use crate::server::secret::Token;
use crate::types::{ApiError, Notice, paths};
use crate::ui::pages::SignOutPage;
use crate::web::extract::form;
use crate::web::redirect;
use crate::web::render::{Page, render};
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// `GET /oauth/logout`. Stores the request and redirects, since a hint is a token that must not stay in the address.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    context.state.signing_keys().current()?;
    let parameters = Parameters::parse(request.uri().query().unwrap_or_default().as_bytes());
    keep(&context, &parameters).await
}

/// `POST /oauth/logout`: a form of another site, sent without our cookies.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    Edge::from_extensions(request.extensions()).check_body(request.headers())?;
    context.state.signing_keys().current()?;
    let body = to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| ApiError::TooLarge)?;
    keep(&context, &Parameters::parse(&body)).await
}

async fn keep(context: &RequestContext, parameters: &Parameters) -> Result<Response, ApiError> {
    let pending = Pending::new(parameters, context.state.core().now());
    let id = context.state.pending_requests().keep(&pending, Holder::First, context.from()).await?;
    Ok(redirect::to(&format!("{}/{}", paths::SIGN_OUT_STORED, id.encode()), None))
}

#[derive(Deserialize)]
struct SignOutForm {
    #[serde(default)]
    action: String,
    /// The user that the page was shown to; empty if signed out.
    #[serde(default)]
    user: String,
}

/// `GET /oauth/sign-out/ID`.
pub async fn get_stored(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (browser, browser_cookie) = context.browser_or_new();
    let Some(parameters) = stored_parameters(&context, request.uri().path(), &browser).await? else {
        return Ok(redirect::to(paths::HOME, None));
    };
    let current = context.current_user().await?;
    let decision = context.state.logouts().decide(&parameters, current.as_ref()).await?;
    if !matches!(decision, LogoutDecision::Ask(_)) && !take(&context, request.uri().path(), &browser).await? {
        return Ok(redirect::to(paths::HOME, None));
    }
    let response = match decision {
        LogoutDecision::Now(target) => sign_out(&context, request, &target, ResponseKind::Redirect).await,
        LogoutDecision::Done(Target { address: Some(address), .. }) => {
            Ok((StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response())
        }
        LogoutDecision::Done(_) => Ok(signed_out(&context, None)),
        LogoutDecision::Ask(target) => {
            let page = Page { shown_once: true, ..Page::new("Sign out") }.seen_by(&context.state, current.as_ref());
            let (address, user) = (request.uri().path().to_owned(), current.map(|current| views::user(&current.user)));
            let body = move || {
                let (address, user) = (address.clone(), user.clone());
                view! { <SignOutPage address user application=target.application.clone() /> }.into_any()
            };
            Ok(render(&context.state, request, page, body).await)
        }
    };
    Ok((redirect::set_cookies(browser_cookie), response?).into_response())
}

/// `POST /oauth/sign-out/ID`: the user confirms.
pub async fn post_stored(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, request) = form::<SignOutForm>(request).await?;
    let (browser, _) = context.browser_or_new();
    let Some(parameters) = stored_parameters(&context, request.uri().path(), &browser).await? else {
        return Ok(redirect::to(paths::HOME, None));
    };
    let current = context.current_user().await?;
    // The answer is only valid for the user that the page was shown to.
    if current.as_ref().map_or_else(String::new, |current| current.user.id.encode()) != form.user {
        return Ok(redirect::to(request.uri().path(), None));
    }
    if !take(&context, request.uri().path(), &browser).await? {
        return Ok(redirect::to(paths::HOME, None));
    }
    if form.action != "sign-out" {
        return Ok(redirect::to(paths::ACCOUNT, None));
    }
    let target = match context.state.logouts().decide(&parameters, current.as_ref()).await? {
        LogoutDecision::Now(target) | LogoutDecision::Ask(target) | LogoutDecision::Done(target) => target,
    };
    sign_out(&context, request, &target, ResponseKind::Page).await
}

/// The parameters of a stored request, for the browser that opened it first.
async fn stored_parameters(
    context: &RequestContext,
    path: &str,
    browser: &Token,
) -> Result<Option<Parameters>, ApiError> {
    let Some(id) = token_after(path, paths::SIGN_OUT_STORED) else { return Ok(None) };
    Ok(context.state.pending_requests().claim(&id, browser).await?.map(|pending| pending.parameters()))
}

/// Consumes the request: only one of several concurrent answers succeeds.
async fn take(context: &RequestContext, path: &str, browser: &Token) -> Result<bool, ApiError> {
    let Some(id) = token_after(path, paths::SIGN_OUT_STORED) else { return Ok(false) };
    Ok(context.state.pending_requests().take(&id, Holder::Browser(browser)).await?.is_some())
}

/// How the user gets back to the application.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResponseKind {
    Redirect,
    /// For forms of ours, which must not redirect to another site.
    Page,
}

async fn sign_out(
    context: &RequestContext,
    request: Request,
    target: &Target,
    response_kind: ResponseKind,
) -> Result<Response, ApiError> {
    let cookies = context.sign_out().await?;
    let mut response = match &target.address {
        None => {
            return Ok((redirect::set_cookies(cookies), signed_out(context, Some(Notice::SignedOut))).into_response());
        }
        Some(address) if response_kind == ResponseKind::Page => {
            answer::redirect_page(context, request, address.clone()).await
        }
        Some(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address.clone())]).into_response(),
    };
    clear_storage(response.headers_mut());
    Ok((redirect::set_cookies(cookies), response).into_response())
}

/// Redirects to the home page, with a notice.
fn signed_out(context: &RequestContext, notice: Option<Notice>) -> Response {
    let notice = notice.or(Some(Notice::SignedOut)).and_then(|notice| context.state.cookies.set_notice(notice));
    let mut response = redirect::to(paths::HOME, notice);
    clear_storage(response.headers_mut());
    response
}
