//! Confirming one's identity: forms that are kept until it is known who is there.

use super::form::AccountForm;
use super::page;
use crate::server::auth::{CurrentUser, Error};
use crate::server::http::RequestContext;
use crate::types::{ApiError, Next, Notice, paths};
use crate::ui::pages::{IdentityPage, Proof};
use crate::web::redirect::{self, set_cookies};
use crate::web::render::{Page, render};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use leptos::prelude::{IntoAny, view};

/// Keeps a form that was sent after its session had ended, and lets its owner sign in on the spot.
pub(super) async fn signed_out(context: &RequestContext, request: Request, form: AccountForm) -> Response {
    let page = Page::new("You are signed out").interactive().refused(Some(ApiError::SignedOut));
    identity_page(context, request, page, (Kept { form, refusal: None }, Proof::SignedOut)).await
}

/// Shows a form again that was kept meanwhile, without doing it: another user may have signed in.
pub(super) async fn check_again(
    context: &RequestContext,
    request: Request,
    current: &CurrentUser,
    form: &AccountForm,
) -> Result<Response, ApiError> {
    let note = "You were signed out meanwhile. Look at this once more, then send it.";
    match form.with_note(note).filter(|_| !form.text().is_empty()) {
        Some(typed) => page::show(context, request, current, Some((typed, StatusCode::OK))).await,
        None => Ok(redirect::with_notice(&context.state, paths::ACCOUNT, Notice::Reauthenticated)),
    }
}

/// Asks the user to confirm their identity, keeping the form that was sent.
pub(super) async fn ask(
    context: &RequestContext,
    request: Request,
    current: &CurrentUser,
    kept: Kept,
) -> Result<Response, ApiError> {
    let is_posted = request.method() == Method::POST;
    let proof = proof(context, current, is_posted, !kept.form.again.is_empty()).await?;
    let status = kept.refusal.unwrap_or(ApiError::ReauthenticationRequired);
    let page = Page::of(current, "Confirm that it is you").interactive().refused(Some(status));
    Ok(identity_page(context, request, page, (kept, proof)).await)
}

/// A form that waits until its user has confirmed their identity, and why the last attempt was refused.
pub(super) struct Kept {
    pub form: AccountForm,
    pub refusal: Option<ApiError>,
}

async fn identity_page(context: &RequestContext, request: Request, page: Page, kept: (Kept, Proof)) -> Response {
    let (Kept { form, refusal }, proof) = kept;
    let (act, fields) = (form.intent(), form.fields());
    let body = move || view! { <IdentityPage fields=fields.clone() act proof refusal /> }.into_any();
    let response = render(&context.state, request, page, body).await;
    (set_cookies(context.browser_or_new().1), response).into_response()
}

/// How a user can confirm their identity. An email is sent only where a form was posted: a GET sends none.
async fn proof(
    context: &RequestContext,
    current: &CurrentUser,
    is_posted: bool,
    again: bool,
) -> Result<Proof, ApiError> {
    let reauthentication = context.state.reauthentication();
    if !again && reauthentication.open(current).await?.is_some() {
        return Ok(Proof::Letter);
    }
    let offered = if is_posted {
        let next = Next::or_account(None);
        reauthentication.request_email(current, &context.caller(), next).await.map(|_| Proof::Letter)
    } else {
        reauthentication.address(current).await.map(|_| Proof::LetterOffered)
    };
    match offered {
        Ok(proof) => Ok(proof),
        Err(Error::Refused(ApiError::PasskeyRequired | ApiError::EmailOff)) => {
            let has_passkey = context.state.passkeys().has_usable(current).await?;
            Ok(if has_passkey { Proof::Passkey } else { Proof::SignIn })
        }
        Err(error) => Err(error.into()),
    }
}
