//! "Confirm that it is you": forms that are kept until it is known who is there.

use super::account::account_page;
use super::account_form::AccountForm;
use super::forms::on_with;
use super::render::{Page, context, render};
use crate::server::auth::{CurrentUser, RequestReauthenticationError};
use crate::server::http::refusal::{refuse, status};
use crate::server::http::{AppState, RequestContext};
use crate::types::{ApiError, Next, Notice, paths};
use crate::ui::pages::{IdentityPage, Proof};
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use leptos::prelude::{IntoAny, view};

/// Keeps a form that was sent after its session had ended, and lets its owner sign in on the spot.
pub(super) async fn signed_out(state: &AppState, request: Request, form: AccountForm) -> Response {
    let page = Page {
        title: "You are signed out",
        status: status(ApiError::SignedOut),
        interactive: true,
        current_user: None,
        told: None,
    };
    let cookie = context(state, &request).browser_or_new().1;
    let (act, fields) = (words(&form.action), form.fields());
    let (proof, refusal) = (Proof::SignedOut, None);
    let body = move || view! { <IdentityPage fields=fields.clone() act proof refusal /> }.into_any();
    let mut response = render(state, request, page, body).await;
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// A form that was kept meanwhile is shown again, not done: somebody else may have signed in.
pub(super) async fn checked(
    state: &AppState,
    request: Request,
    context: &RequestContext,
    current_user: &CurrentUser,
    form: &AccountForm,
) -> Response {
    if form.text().is_empty() {
        return on_with(state, paths::ACCOUNT, Notice::Reauthenticated);
    }
    let typed = form.with_note("You were signed out meanwhile. Look at this once more, then send it.");
    account_page(state, request, context, current_user, Some((typed, StatusCode::OK))).await
}

/// How a visitor can confirm who they are. Only where a form was posted an email may be sent for it: a GET sends none.
async fn proof(
    context: &RequestContext,
    current_user: &CurrentUser,
    form: &AccountForm,
    is_posted: bool,
) -> Result<Proof, ApiError> {
    let auth = context.auth();
    if auth.open_reauthentication(current_user).await?.is_some() && form.again.is_empty() {
        return Ok(Proof::Letter);
    }
    let asked = if is_posted {
        let next = Next::or_account(None);
        auth.request_reauthentication(current_user, context.asker(), next).await.map(|_| Proof::Letter)
    } else {
        auth.reauthentication_address(current_user).await.map(|_| Proof::LetterOffered)
    };
    match asked {
        Ok(proof) => Ok(proof),
        Err(RequestReauthenticationError::PasskeyRequired | RequestReauthenticationError::EmailOff) => {
            Ok(if auth.has_passkey(current_user).await? { Proof::Passkey } else { Proof::SignIn })
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks who is there, keeping the form that was sent.
pub(super) async fn ask_who_is_there(
    state: &AppState,
    context: &RequestContext,
    request: Request,
    current_user: CurrentUser,
    form: AccountForm,
    refusal: Option<ApiError>,
) -> Response {
    let proof = match proof(context, &current_user, &form, request.method() == Method::POST).await {
        Ok(proof) => proof,
        Err(error) => return refuse(error),
    };
    let error = refusal.unwrap_or(ApiError::ReauthenticationRequired);
    let user = Some(current_user.user.view());
    let page = Page {
        title: "Confirm that it is you",
        status: status(error),
        interactive: true,
        current_user: user,
        told: None,
    };
    let act = words(&form.action);
    let fields = form.fields();
    let body = move || view! { <IdentityPage fields=fields.clone() act proof refusal /> }.into_any();
    let mut response = render(state, request, page, body).await;
    response.headers_mut().extend(context.browser_or_new().1.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

fn words(action: &str) -> &'static str {
    match action {
        "add-passkey" => "You want to add a passkey.",
        "remove-passkey" => "You want to remove the passkey.",
        "address" => "You want to change your address.",
        "recovery-codes" => "You want to make recovery codes.",
        "export" => "You want to download your data.",
        "delete" => "You want to delete your account.",
        "go-on" => "You want to see a page that needs this.",
        _ => "You want to change something that matters.",
    }
}
