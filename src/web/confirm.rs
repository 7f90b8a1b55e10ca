//! `/confirm`: users confirm their identity, then continue what they were doing.

use super::continuation::{peek, send_email, take};
use super::extract::{SignedIn, form, query};
use super::render::{Page, render_and_name};
use super::{account, redirect};
use crate::server::Unavailable;
use crate::server::auth::{CurrentUser, Error};
use crate::server::http::RequestContext;
use crate::server::model::Continuation;
use crate::server::model::assurance::{Authentication, Strength};
use crate::server::model::session::Method;
use crate::types::{ApiError, Next, paths};
use crate::ui::pages::{IdentityPage, Proof};
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::response::{IntoResponse, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// The stored form to resume, or the page to return to.
#[derive(Debug, Default, Deserialize)]
struct ConfirmQuery {
    #[serde(rename = "continue")]
    continuation: Option<String>,
    next: Option<String>,
}

/// The form of the email code. A passkey is used by the island instead.
#[derive(Debug, Deserialize)]
struct ConfirmForm {
    /// The code of an email.
    #[serde(default)]
    code: String,
    /// Not empty when the user asks for an email, or for another one.
    #[serde(default)]
    again: String,
}

impl ConfirmQuery {
    fn page(&self) -> Next {
        Next::or_account(self.next.as_deref())
    }
}

/// `GET /confirm`.
pub async fn get(context: RequestContext, SignedIn(current): SignedIn, request: Request) -> Result<Response, ApiError> {
    let query: ConfirmQuery = query(&request);
    if query.continuation.is_none() && obstacle(&context, &current).await?.is_none() {
        return Ok(redirect::to(query.page().as_str(), None));
    }
    show(&context, request, &current, None).await
}

/// `POST /confirm`.
pub async fn post(
    context: RequestContext,
    SignedIn(mut current): SignedIn,
    request: Request,
) -> Result<Response, ApiError> {
    let (form, request) = form::<ConfirmForm>(request).await?;
    if !form.again.is_empty() {
        let page = own_address(request.uri());
        send_email(&context, &current, page.clone()).await?;
        return Ok(redirect::to(page.as_str(), None));
    }
    let mut cookie = None;
    if !form.code.is_empty() {
        let answered = context.state.reauthentication().redeem_code(&current, &form.code, context.from()).await;
        match answered.map_err(ApiError::from) {
            Ok((renewed, _)) => {
                cookie = context.state.cookies.set_session(&renewed.session, &renewed.token);
                current.session = renewed.session;
            }
            Err(ApiError::Unavailable) => return Err(ApiError::Unavailable),
            // The link may have been opened in the meantime; `resume` checks whether the identity is confirmed.
            Err(ApiError::LinkExpired) => {}
            Err(error) => return show(&context, request, &current, Some(error)).await,
        }
    }
    // A code renews the session: without its cookie, a refusal would sign the user out.
    let response = resume(&context, request, current).await.unwrap_or_else(IntoResponse::into_response);
    Ok((redirect::set_cookies(cookie), response).into_response())
}

/// Performs the stored form, or returns to the page, once the identity is confirmed.
async fn resume(context: &RequestContext, request: Request, current: CurrentUser) -> Result<Response, ApiError> {
    let query: ConfirmQuery = query(&request);
    let stored = match &query.continuation {
        Some(token) => peek(context, &current, token).await?,
        None => None,
    };
    if let Some(error) = missing(context, &current, stored.as_ref()).await? {
        return show(context, request, &current, Some(error)).await;
    }
    let Some(token) = &query.continuation else { return Ok(redirect::to(query.page().as_str(), None)) };
    match take(context, &current, token).await? {
        Some(Continuation::Account(form)) => account::perform(context, request, current, form).await,
        Some(Continuation::Application { request, .. }) => Ok(redirect::to(&paths::continue_with(&request), None)),
        Some(Continuation::Codes(_)) | None => Ok(expired(context)),
    }
}

/// The address of this page, which the links of its emails lead back to.
fn own_address(uri: &Uri) -> Next {
    Next::or_account(uri.path_and_query().map(PathAndQuery::as_str))
}

fn expired(context: &RequestContext) -> Response {
    redirect::with_refusal(&context.state, paths::ACCOUNT, ApiError::CeremonyExpired)
}

/// Why the session may not act yet; `None` when it may.
async fn obstacle(context: &RequestContext, current: &CurrentUser) -> Result<Option<ApiError>, ApiError> {
    use ApiError::{OlderPasskeyRequired, PasskeyOnProbation, ReauthenticationRequired};
    match context.state.sessions().check_fresh(current).await {
        Ok(()) => Ok(None),
        Err(Error::Refused(error @ (ReauthenticationRequired | PasskeyOnProbation | OlderPasskeyRequired))) => {
            Ok(Some(error))
        }
        Err(error) => Err(error.into()),
    }
}

/// Why the session may not resume what is stored; `None` when it may. An application requires an authentication after
/// its request, with a passkey or by any method; the account has rules of its own.
async fn missing(
    context: &RequestContext,
    current: &CurrentUser,
    stored: Option<&Continuation>,
) -> Result<Option<ApiError>, ApiError> {
    let Some(Continuation::Application { after, with_passkey, .. }) = stored else {
        return obstacle(context, current).await;
    };
    let (session, access) = (&current.session, context.state.access());
    if *with_passkey {
        let strength = access.assurance(&current.user, &Authentication::from_session(session)).await?.strength;
        let too_new = matches!(session.method, Method::Passkey(_)).then_some(ApiError::OlderPasskeyRequired);
        let missing = too_new.unwrap_or(ApiError::ReauthenticationRequired);
        return Ok((strength < Strength::Passkey).then_some(missing));
    }
    let is_new = session.authenticated_at.unix_millis() >= *after;
    Ok((!is_new).then_some(ApiError::ReauthenticationRequired))
}

/// Shows the page, with the reason why the last attempt was refused.
async fn show(
    context: &RequestContext,
    request: Request,
    current: &CurrentUser,
    refusal: Option<ApiError>,
) -> Result<Response, ApiError> {
    let query: ConfirmQuery = query(&request);
    let stored = match &query.continuation {
        None => None,
        Some(token) => peek(context, current, token).await?,
    };
    let (act, typed, cancel) = match (&query.continuation, &stored) {
        (None, _) => ("To open this page, confirm it's you.", String::new(), paths::ACCOUNT.to_owned()),
        (Some(_), Some(Continuation::Account(form))) => {
            (form.intent(), form.text().to_owned(), form.section().path().to_owned())
        }
        (Some(_), Some(Continuation::Application { request, with_passkey, .. })) => {
            let act = if *with_passkey {
                "To continue to the application, use your passkey."
            } else {
                "To continue to the application, confirm it's you."
            };
            (act, String::new(), format!("{}?{}", paths::continue_with(request), paths::CANCEL))
        }
        (Some(_), Some(Continuation::Codes(_)) | None) => return Ok(expired(context)),
    };
    let needs_passkey = matches!(stored, Some(Continuation::Application { with_passkey: true, .. }));
    let obstacle = missing(context, current, stored.as_ref()).await?;
    let proof = match obstacle {
        None => Proof::Done,
        Some(_) if needs_passkey => other_proof(context, current).await?,
        Some(_) => proof(context, current).await?,
    };
    // Another passkey is needed, or another email: the page says so from the start.
    let refusal = refusal.or(obstacle.filter(|error| *error != ApiError::ReauthenticationRequired));
    let address = own_address(request.uri()).to_string();
    let page = Page::for_user(current, "Confirm it's you").interactive().refused(refusal);
    let body = move || {
        let (address, typed, cancel) = (address.clone(), typed.clone(), cancel.clone());
        view! { <IdentityPage address act typed proof cancel refusal /> }.into_any()
    };
    Ok(render_and_name(context, request, page, body).await)
}

/// How a user can confirm their identity.
async fn proof(context: &RequestContext, current: &CurrentUser) -> Result<Proof, ApiError> {
    let reauthentication = context.state.reauthentication();
    if reauthentication.open(current).await?.is_some() {
        return Ok(Proof::EmailSent);
    }
    match reauthentication.address(current).await {
        Ok(_) => Ok(Proof::EmailOffered),
        Err(Error::Refused(ApiError::PasskeyRequired | ApiError::EmailOff)) => Ok(other_proof(context, current).await?),
        Err(error) => Err(error.into()),
    }
}

/// Without email: a passkey if there is one, otherwise signing in again.
async fn other_proof(context: &RequestContext, current: &CurrentUser) -> Result<Proof, Unavailable> {
    let has_passkey = context.state.passkeys().has_usable(current).await?;
    Ok(if has_passkey { Proof::Passkey } else { Proof::SignIn })
}
