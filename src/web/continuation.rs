//! Stores what a user was doing until they have signed in or confirmed their identity.

use super::redirect;
use crate::server::Unavailable;
use crate::server::auth::{CurrentUser, Error, Holder};
use crate::server::http::RequestContext;
use crate::server::model::Continuation;
use crate::types::{AccountForm, ApiError, Next, Notice, paths};
use axum::http::HeaderValue;
use axum::response::Response;

/// Stores what the user was doing and redirects to `/confirm`. If that takes an email, it is sent now, since viewing a
/// page sends none (docs/RULES.md, 4).
pub async fn confirm_first(
    context: &RequestContext,
    current: &CurrentUser,
    continuation: Continuation,
) -> Result<Response, ApiError> {
    let (page, cookie) = keep(context, current, paths::CONFIRM, &continuation).await?;
    if context.state.reauthentication().open(current).await?.is_none() {
        send_email(context, current, Next::or_account(Some(&page))).await?;
    }
    Ok(redirect::to(&page, cookie))
}

/// Stores a continuation for the user in this browser; returns the address that resumes it at `path`, and the cookie that
/// names the browser if it is new.
pub(super) async fn keep(
    context: &RequestContext,
    current: &CurrentUser,
    path: &str,
    continuation: &Continuation,
) -> Result<(String, Option<HeaderValue>), ApiError> {
    let (browser, cookie) = context.browser_or_new();
    let holder = Holder::User { user: current.user.id, browser: &browser };
    let token = context.state.continuations().keep(continuation, holder, context.from()).await?;
    Ok((format!("{path}?continue={}", token.encode()), cookie))
}

/// Consumes a continuation of the user in this browser.
pub(super) async fn take(
    context: &RequestContext,
    current: &CurrentUser,
    token: &str,
) -> Result<Option<Continuation>, Unavailable> {
    let Some(browser) = &context.browser else { return Ok(None) };
    context.state.continuations().take(token, Holder::User { user: current.user.id, browser }).await
}

/// Reads a continuation of the user in this browser without consuming it.
pub(super) async fn peek(
    context: &RequestContext,
    current: &CurrentUser,
    token: &str,
) -> Result<Option<Continuation>, Unavailable> {
    let Some(browser) = &context.browser else { return Ok(None) };
    context.state.continuations().peek(token, Holder::User { user: current.user.id, browser }).await
}

/// Requests an email for reauthentication, whose link leads to `next`; does nothing for users who need a passkey for it.
pub(super) async fn send_email(context: &RequestContext, current: &CurrentUser, next: Next) -> Result<(), ApiError> {
    match context.state.reauthentication().request_email(current, &context.caller(), next).await {
        Ok(_) | Err(Error::Refused(ApiError::PasskeyRequired | ApiError::EmailOff)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Stores a form that was sent after its session had ended, and redirects to sign-in. The form is shown again afterwards
/// and not performed, since another user may sign in.
pub(super) async fn sign_in_first(context: &RequestContext, form: AccountForm) -> Result<Response, ApiError> {
    let (browser, cookie) = context.browser_or_new();
    let section = form.section().path();
    let (continuation, holder) = (Continuation::Account(form), Holder::Browser(&browser));
    let token = context.state.continuations().keep(&continuation, holder, context.from()).await?;
    let page = format!("{section}?continue={}", token.encode());
    let notice = context.state.cookies.set_notice(Notice::Refused(ApiError::SignedOut));
    let sign_in = redirect::sign_in_for(&Next::or_account(Some(&page)));
    Ok(redirect::to(&sign_in, cookie.into_iter().chain(notice)))
}

/// A form that was sent before its user signed in.
pub(super) async fn sent_before(context: &RequestContext, token: &str) -> Result<Option<AccountForm>, ApiError> {
    let Some(browser) = &context.browser else { return Ok(None) };
    let found = context.state.continuations().peek(token, Holder::Browser(browser)).await?;
    Ok(match found {
        Some(Continuation::Account(form)) => Some(form),
        Some(Continuation::Codes(_) | Continuation::Application { .. }) | None => None,
    })
}
