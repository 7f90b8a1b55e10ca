//! Signing up. The page's island makes the passkey; the form signs up by email where the browser cannot.

use super::extract::{form, query};
use super::redirect;
use super::render::{Page, if_signed_in, render_and_name, with_retry_after};
use crate::server::auth::SignUpFields;
use crate::server::http::RequestContext;
use crate::types::{ApiError, paths};
use crate::ui::pages::{SignUpInput, SignUpPage};
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
struct SignUpQuery {
    #[serde(default)]
    invite: String,
}

#[derive(Deserialize)]
struct SignUpForm {
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    invite: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    scripts: String,
}

/// `GET /sign-up`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let SignUpQuery { invite } = query(&request);
    context.state.invitations().check_link(Some(&invite)).await?;
    page(&context, request, SignUpInput { invite, ..SignUpInput::default() }, None).await
}

/// `POST /sign-up`: signs up by email.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, request) = form::<SignUpForm>(request).await?;
    let typed = SignUpInput {
        display_name: form.display_name.clone(),
        username: form.username.clone(),
        email: form.email.clone(),
        invite: form.invite.clone(),
    };
    // The button for a passkey, pressed before the page was awake: it can be pressed again.
    if form.action == "passkey" && form.scripts != "off" {
        context.state.invitations().check_link(Some(&form.invite)).await?;
        return page(&context, request, typed, None).await;
    }
    let fields = SignUpFields {
        username: &form.username,
        email: Some(&form.email),
        display_name: Some(form.display_name.as_str()).filter(|name| !name.trim().is_empty()),
        invite: Some(form.invite.as_str()).filter(|invite| !invite.is_empty()),
    };
    match context.request_sign_up(fields).await.map_err(ApiError::from) {
        Ok(requested) => Ok(redirect::to(paths::SIGN_IN_CODE, context.state.cookies.set_email(&requested))),
        Err(error @ (ApiError::Unavailable | ApiError::InvitationRequired | ApiError::SignUpOff)) => Err(error),
        Err(error) => Ok(with_retry_after(page(&context, request, typed, Some(error)).await?, error)),
    }
}

/// The page, with what was typed and why it was refused.
async fn page(
    context: &RequestContext,
    mut request: Request,
    typed: SignUpInput,
    refusal: Option<ApiError>,
) -> Result<Response, ApiError> {
    // A form that was refused stands at an address without the invitation; what leads back here needs it.
    if !typed.invite.is_empty()
        && let Ok(address) = format!("{}?invite={}", paths::SIGN_UP, typed.invite).parse()
    {
        *request.uri_mut() = address;
    }
    let page = Page::new("Sign up").interactive().refused(refusal);
    let policy = context.state.core().email();
    let (by_email, needs_address) = (policy.signs_in(), policy.needs_address());
    let body = move || view! { <SignUpPage typed=typed.clone() refusal by_email needs_address /> }.into_any();
    match if_signed_in(context, paths::ACCOUNT).await? {
        Some(elsewhere) => Ok(elsewhere),
        None => Ok(render_and_name(context, request, page, body).await),
    }
}
