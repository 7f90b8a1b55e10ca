//! Signing up. The page's island creates the passkey; the form signs up by email if the browser cannot.

use super::extract::{form, query};
use super::oauth::requesting_application;
use super::redirect;
use super::render::{Page, at, redirect_if_signed_in, render_and_name, with_retry_after};
use crate::server::auth::SignUpFields;
use crate::server::http::RequestContext;
use crate::server::model::email_request::Purpose;
use crate::types::{ApiError, DisplayName, Username, paths};
use crate::ui::pages::{SignUpInput, SignUpPage};
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
struct SignUpQuery {
    #[serde(default)]
    invite: String,
    /// `change`: correct the fields of a sign-up whose email was sent.
    #[serde(default)]
    step: String,
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

impl SignUpForm {
    fn fields(&self) -> SignUpFields<'_> {
        SignUpFields {
            username: &self.username,
            email: Some(&self.email),
            display_name: Some(self.display_name.as_str()).filter(|name| !name.trim().is_empty()),
            invite: Some(self.invite.as_str()).filter(|invite| !invite.is_empty()),
        }
    }

    fn typed(&self) -> SignUpInput {
        SignUpInput {
            display_name: self.display_name.clone(),
            username: self.username.clone(),
            email: self.email.clone(),
            invite: self.invite.clone(),
        }
    }
}

/// `GET /sign-up`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let SignUpQuery { invite, step } = query(&request);
    context.state.invitations().check_link(Some(&invite)).await?;
    let entered = if step == "change" { entered(&context).await? } else { None };
    let typed = SignUpInput { invite, ..entered.unwrap_or_default() };
    page(&context, request, typed, Vec::new()).await
}

/// The fields of the sign-up whose email was sent.
async fn entered(context: &RequestContext) -> Result<Option<SignUpInput>, ApiError> {
    let open = context.state.email_requests().open(context.email.as_ref()).await?;
    Ok(match open.map(|open| open.request.purpose) {
        Some(Purpose::SignUp { username, display_name, address, .. }) => Some(SignUpInput {
            display_name: chosen_name(&display_name, &username),
            username: username.to_string(),
            email: address.to_string(),
            invite: String::new(),
        }),
        _ => None,
    })
}

/// The display name that was entered; empty if it is the username by default, which may be what was mistyped.
pub(super) fn chosen_name(display_name: &DisplayName, username: &Username) -> String {
    Some(display_name.to_string()).filter(|name| *name != username.as_str()).unwrap_or_default()
}

/// `POST /sign-up`: signs up by email.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, request) = form::<SignUpForm>(request).await?;
    // The passkey button: a field was refused, or the page was not hydrated yet and it can be pressed again.
    if form.action == "passkey" && form.scripts != "off" {
        context.state.invitations().check_link(Some(&form.invite)).await?;
        return match context
            .state
            .sign_up()
            .invalid_fields(&context.caller(), form.fields())
            .await
            .map_err(ApiError::from)
        {
            Ok(wrong) => page(&context, request, form.typed(), wrong).await,
            Err(error) => Ok(with_retry_after(page(&context, request, form.typed(), vec![error]).await?, error)),
        };
    }
    match context.request_sign_up(form.fields()).await.map_err(ApiError::from) {
        Ok(requested) => Ok(redirect::to(paths::SIGN_IN_CODE, context.state.cookies.set_email(&requested))),
        Err(error @ (ApiError::Unavailable | ApiError::InvitationRequired | ApiError::SignUpOff)) => Err(error),
        Err(error) if error.is_about_sign_up_field() => {
            let wrong = context.state.sign_up().invalid_fields(&context.caller(), form.fields()).await;
            let mut wrong = wrong.unwrap_or_default();
            // The errors can differ: the username was freed in the meantime, or only this form needs the address.
            if !wrong.contains(&error) {
                wrong.push(error);
            }
            page(&context, request, form.typed(), wrong).await
        }
        Err(error) => Ok(with_retry_after(page(&context, request, form.typed(), vec![error]).await?, error)),
    }
}

/// The page after a sign-up whose email is no longer valid, with the text that was entered for it.
pub(super) async fn again(
    context: &RequestContext,
    request: Request,
    typed: SignUpInput,
    refusal: ApiError,
) -> Result<Response, ApiError> {
    // The invitation link is not stored, and without it the form cannot be sent.
    match context.state.invitations().check_link(None).await.map_err(ApiError::from) {
        Ok(()) => page(context, at(request, paths::SIGN_UP), typed, vec![refusal]).await,
        Err(ApiError::Unavailable) => Err(ApiError::Unavailable),
        Err(_) => Err(refusal),
    }
}

/// The page, with the text that was entered and the reason why it was refused.
async fn page(
    context: &RequestContext,
    request: Request,
    typed: SignUpInput,
    refusals: Vec<ApiError>,
) -> Result<Response, ApiError> {
    // The address of a refused form lacks the invitation, which links back to this page need.
    let request = match typed.invite.as_str() {
        "" => request,
        invite => at(request, &format!("{}?invite={invite}", paths::SIGN_UP)),
    };
    let next = context.pending_next();
    let application = requesting_application(context, &next).await?.map(|requesting| requesting.application);
    let sign_in = redirect::sign_in_for(&next);
    let page = Page::new("Sign up").interactive().refused(refusals.first().copied());
    let policy = context.state.core().email();
    let (by_email, sends_email, needs_address) = (policy.signs_in(), policy.can_send(), policy.needs_address());
    let body = move || {
        let (typed, refusals) = (typed.clone(), refusals.clone());
        let (application, sign_in) = (application.clone(), sign_in.clone());
        view! { <SignUpPage typed refusals by_email sends_email needs_address application sign_in /> }.into_any()
    };
    match redirect_if_signed_in(context, paths::ACCOUNT).await? {
        Some(elsewhere) => Ok(elsewhere),
        None => Ok(render_and_name(context, request, page, body).await),
    }
}
