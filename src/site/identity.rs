//! "Confirm that it is you": forms that are kept until it is known who is there.

use super::account::account_page;
use super::account_form::AccountForm;
use super::forms::on_with;
use super::render::{Page, context, render};
use crate::server::auth::{AskToReauthenticateError, Visitor};
use crate::server::http::refusal::{refuse, status};
use crate::server::http::{AppState, RequestContext};
use crate::types::{ApiError, Next, Notice, paths};
use crate::ui::pages::{IdentityPage, Proof};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use leptos::prelude::{IntoAny, view};

/// Keeps a form that was sent after its session had ended, and lets its owner sign in on the spot.
pub(super) async fn signed_out(state: &AppState, request: Request, form: AccountForm) -> Response {
    let page = Page {
        title: "You are signed out",
        status: status(ApiError::SignedOut),
        interactive: true,
        visitor: None,
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
    visitor: &Visitor,
    form: &AccountForm,
) -> Response {
    if form.text().is_empty() {
        return on_with(state, paths::ACCOUNT, Notice::Reauthenticated);
    }
    let typed = form.with_note("You were signed out meanwhile. Look at this once more, then send it.");
    account_page(state, request, context, visitor, Some((typed, StatusCode::OK))).await
}

/// Asks who is there, keeping the form that was sent.
pub(super) async fn ask_who_is_there(
    state: &AppState,
    context: &RequestContext,
    request: Request,
    visitor: Visitor,
    form: AccountForm,
    refusal: Option<ApiError>,
) -> Response {
    let is_open = match context.auth().open_reauthentication(&visitor).await {
        Ok(open) => open.is_some(),
        Err(cause) => return refuse(cause.into()),
    };
    let (browser, cookie) = context.browser_or_new();
    let proof = if is_open && form.again.is_empty() {
        Proof::Letter
    } else {
        let asker = context.asker(&browser);
        match context.auth().ask_to_reauthenticate(&visitor, asker, Next::or_account(None)).await {
            Ok(_) => Proof::Letter,
            Err(AskToReauthenticateError::TooMany(too_many)) => return refuse(too_many.into()),
            Err(AskToReauthenticateError::PasskeyRequired | AskToReauthenticateError::EmailOff) => {
                match context.auth().has_passkey(&visitor).await {
                    Ok(true) => Proof::Passkey,
                    Ok(false) => Proof::SignIn,
                    Err(cause) => return refuse(cause.into()),
                }
            }
            Err(AskToReauthenticateError::Unavailable(cause)) => return refuse(cause.into()),
        }
    };
    let error = refusal.unwrap_or(ApiError::ReauthenticationRequired);
    let user = Some(visitor.user.view());
    let page =
        Page { title: "Confirm that it is you", status: status(error), interactive: true, visitor: user, told: None };
    let act = words(&form.action);
    let fields = form.fields();
    let body = move || view! { <IdentityPage fields=fields.clone() act proof refusal /> }.into_any();
    let mut response = render(state, request, page, body).await;
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
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
