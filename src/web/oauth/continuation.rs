//! `/oauth/continue/ID`: a stored authorization request, during sign-in, reauthentication and consent.

use super::{answer, pages, request_id_in};
use crate::server::auth::{CurrentUser, Holder as ContinuationHolder};
use crate::server::http::RequestContext;
use crate::server::model::Continuation;
use crate::server::oauth::{
    Answer, Decision, ErrorCode, Holder, Pending, Progress, Reading, ResolvedRequest, describe,
};
use crate::server::secret::Token;
use crate::types::{ApiError, Next, paths};
use crate::web::extract::form;
use crate::web::redirect;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;

/// A stored request, in the browser that it belongs to.
struct OpenRequest {
    id: Token,
    browser: Token,
    pending: Pending,
    resolved: Box<ResolvedRequest>,
}

/// The forms of the pages.
#[derive(Deserialize)]
struct ContinueForm {
    #[serde(default)]
    action: String,
    /// The user that the page was shown to.
    #[serde(default)]
    user: String,
}

/// `GET /oauth/continue/ID`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let Some(open) = open(&context, request.uri().clone()).await? else {
        return Ok(pages::expired(&context, request).await);
    };
    if request.uri().query() == Some(paths::CANCEL) {
        return refuse(&context, request, &open, ErrorCode::AccessDenied).await;
    }
    let progress =
        Progress { began_at: open.pending.began_at(), has_chosen: open.pending.has_chosen, has_allowed: false };
    let decision = context.state.authorizations().decide(&open.resolved, progress);
    let current = open.resolved.current.clone();
    match (decision, &current) {
        (Decision::Answer, Some(current)) => finish(&context, request, &open, current).await,
        (Decision::Refuse(code), _) => refuse(&context, request, &open, code).await,
        (decision, _) => {
            let cookies = &context.state.cookies;
            let browser_cookie = context.browser.is_none().then(|| cookies.set_browser(&open.browser)).flatten();
            let cookies = browser_cookie.into_iter().chain(cookies.set_pending(&open.id));
            let response = ask(&context, request, open, (decision, current)).await?;
            Ok((redirect::set_cookies(cookies), response).into_response())
        }
    }
}

/// Reads the request that the address names.
async fn open(context: &RequestContext, address: Uri) -> Result<Option<OpenRequest>, ApiError> {
    let Some(id) = request_id_in(address.path()) else { return Ok(None) };
    let (browser, _) = context.browser_or_new();
    let Some(pending) = context.state.pending_requests().claim(&id, &browser).await? else { return Ok(None) };
    Ok(match context.state.authorizations().read(&pending.parameters(), context.session.as_ref()).await? {
        Reading::Resolved(resolved) => Some(OpenRequest { id, browser, pending, resolved }),
        // The application was changed in the meantime.
        Reading::Refused(..) | Reading::NoRedirect(_) => None,
    })
}

/// Asks the user for what is missing.
async fn ask(
    context: &RequestContext,
    request: Request,
    open: OpenRequest,
    (decision, current): (Decision, Option<CurrentUser>),
) -> Result<Response, ApiError> {
    let here = Next::own(&paths::continue_with(&open.id.encode())).ok_or(ApiError::Internal)?;
    match (decision, current) {
        (Decision::SignUp, _) => Ok(redirect::to(paths::SIGN_UP, None)),
        (Decision::Authenticate { with_passkey }, Some(current)) => {
            authenticate(context, &open, &current, with_passkey).await
        }
        (Decision::ChooseAccount, Some(current)) => {
            Ok(pages::choose_account(context, request, &open.resolved, &current).await)
        }
        (Decision::AskConsent, Some(current)) => Ok(pages::consent(context, request, &open.resolved, &current).await),
        (Decision::Explain(reason), Some(current)) => {
            Ok(pages::explain(context, request, (&open.resolved, reason), &current).await)
        }
        _ => Ok(redirect::to(&redirect::sign_in_for(&here), None)),
    }
}

/// Redirects to `/confirm`, which leads back here.
async fn authenticate(
    context: &RequestContext,
    open: &OpenRequest,
    current: &CurrentUser,
    with_passkey: bool,
) -> Result<Response, ApiError> {
    let continuation = Continuation::Application {
        request: open.id.encode(),
        after: open.pending.began_at().unix_millis(),
        with_passkey,
    };
    let holder = ContinuationHolder::User { user: current.user.id, browser: &open.browser };
    let token = context.state.continuations().keep(&continuation, holder, context.from()).await?;
    Ok(redirect::to(&format!("{}?continue={}", paths::CONFIRM, token.encode()), None))
}

/// Consumes the request and answers it with a code.
async fn finish(
    context: &RequestContext,
    request: Request,
    open: &OpenRequest,
    current: &CurrentUser,
) -> Result<Response, ApiError> {
    if !take(context, open).await? {
        return Ok(pages::expired(context, request).await);
    }
    answer_with_code(context, request, open, current).await
}

async fn answer_with_code(
    context: &RequestContext,
    request: Request,
    open: &OpenRequest,
    current: &CurrentUser,
) -> Result<Response, ApiError> {
    let code = context.state.authorizations().answer(&open.resolved, current).await?;
    Ok(return_to_application(context, request, open, &code).await)
}

/// Consumes the request and answers it with an error.
async fn refuse(
    context: &RequestContext,
    request: Request,
    open: &OpenRequest,
    code: ErrorCode,
) -> Result<Response, ApiError> {
    if !take(context, open).await? {
        return Ok(pages::expired(context, request).await);
    }
    let refused = context.state.authorizations().refuse(open.resolved.request.return_to.clone(), describe(code));
    Ok(return_to_application(context, request, open, &refused).await)
}

/// Consumes the request: only one of several concurrent answers succeeds.
async fn take(context: &RequestContext, open: &OpenRequest) -> Result<bool, ApiError> {
    let holder = Holder::Browser(&open.browser);
    Ok(context.state.pending_requests().take(&open.id, holder).await?.is_some())
}

/// Returns to the application, and clears the pending request of this browser. A request that may show no page
/// (`prompt=none`) came from a form of the application, never from one of ours.
async fn return_to_application(
    context: &RequestContext,
    request: Request,
    open: &OpenRequest,
    answered: &Answer,
) -> Response {
    let cookie = context.state.cookies.end_pending().map(|cookie| (SET_COOKIE, cookie));
    let response = if open.resolved.request.prompt.none {
        answer::respond(context, request, answered).await
    } else {
        answer::respond_after_form(context, request, answered).await
    };
    (AppendHeaders(cookie), response).into_response()
}

/// `POST /oauth/continue/ID`: the buttons of its pages.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, request) = form::<ContinueForm>(request).await?;
    let Some(mut open) = open(&context, request.uri().clone()).await? else {
        return Ok(pages::expired(&context, request).await);
    };
    let here = paths::continue_with(&open.id.encode());
    // Consent is only valid for the user that the page was shown to (docs/RULES.md, 17); another user starts again.
    let current = open.resolved.current.clone().filter(|current| current.user.id.encode() == form.user);
    match (form.action.as_str(), current) {
        ("cancel", _) => refuse(&context, request, &open, ErrorCode::AccessDenied).await,
        ("other", _) => other_account(&context, open).await,
        ("choose", Some(_)) => {
            open.pending.has_chosen = true;
            context.state.pending_requests().put(&open.id, &open.browser, &open.pending).await?;
            Ok(redirect::to(&here, None))
        }
        ("allow", Some(current)) => allow(&context, request, &open, &current).await,
        _ => Ok(redirect::to(&here, None)),
    }
}

/// Allows the request, if nothing else has changed since the page was shown.
async fn allow(
    context: &RequestContext,
    request: Request,
    open: &OpenRequest,
    current: &CurrentUser,
) -> Result<Response, ApiError> {
    let authorizations = context.state.authorizations();
    let progress =
        Progress { began_at: open.pending.began_at(), has_chosen: open.pending.has_chosen, has_allowed: true };
    match authorizations.decide(&open.resolved, progress) {
        Decision::Answer => {
            if !take(context, open).await? {
                return Ok(pages::expired(context, request).await);
            }
            authorizations.allow(&open.resolved, current).await?;
            answer_with_code(context, request, open, current).await
        }
        _ => Ok(redirect::to(&paths::continue_with(&open.id.encode()), None)),
    }
}

/// Signs out, and redirects to sign-in with another account. The request moves to the browser's new name.
async fn other_account(context: &RequestContext, mut open: OpenRequest) -> Result<Response, ApiError> {
    let requests = context.state.pending_requests();
    open.pending.has_chosen = true;
    if requests.take(&open.id, Holder::Browser(&open.browser)).await?.is_none() {
        return Ok(redirect::to(paths::SIGN_IN, None));
    }
    let cookies = context.sign_out().await?;
    let browser = context.state.browsers().new_token();
    requests.put(&open.id, &browser, &open.pending).await?;
    let here = Next::own(&paths::continue_with(&open.id.encode())).ok_or(ApiError::Internal)?;
    let target =
        if open.resolved.request.prompt.create { paths::SIGN_UP.to_owned() } else { redirect::sign_in_for(&here) };
    let browser_cookie = context.state.cookies.set_browser(&browser);
    let pending_cookie = context.state.cookies.set_pending(&open.id);
    Ok(redirect::to(&target, cookies.into_iter().chain(browser_cookie).chain(pending_cookie)))
}
