//! The pages of an authorization request.

use super::app_view;
use crate::server::access::Reason;
use crate::server::auth::{CurrentUser, view as views};
use crate::server::http::RequestContext;
use crate::server::model::oauth::{RedirectUri, Scope};
use crate::server::oauth::{NoRedirect, ResolvedRequest, UnredirectableRequest};
use crate::types::ApiError;
use crate::ui::pages::{
    ChooseAccountPage, ConsentPage, ExplainPage, NextStep, RedirectProblem, RequestExpiredPage,
    UnredirectableRequestPage,
};
use crate::web::render::{Page, render};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};

/// Says why an authorization request gets no response (docs/RULES.md, 21).
pub(super) async fn misdirected(
    context: &RequestContext,
    request: Request,
    about: UnredirectableRequest,
) -> Result<Response, ApiError> {
    context.state.authorizations().record(&about, context.from()).await?;
    let UnredirectableRequest { reference, why, application, .. } = about;
    let (name, registered) = application.unzip();
    let requested = match why {
        NoRedirect::UnknownClient => None,
        NoRedirect::RedirectUriError(uri) => uri,
    };
    let about = RedirectProblem { reference, application: name, requested, registered: registered.flatten() };
    let page = Page { status: StatusCode::BAD_REQUEST, ..Page::new("Can't continue to the application") };
    let body = move || view! { <UnredirectableRequestPage about=about.clone() /> }.into_any();
    Ok(render(&context.state, request, page, body).await)
}

/// Says that an authorization request has expired.
pub(super) async fn expired(context: &RequestContext, request: Request) -> Response {
    let status = crate::server::http::refusal::status(ApiError::LinkExpired);
    let page = Page { status, ..Page::new("This sign-in has expired") };
    render(&context.state, request, page, move || view! { <RequestExpiredPage /> }.into_any()).await
}

/// Asks which account to use.
pub(super) async fn choose_account(
    context: &RequestContext,
    request: Request,
    resolved: &ResolvedRequest,
    current: &CurrentUser,
) -> Response {
    let (address, user) = (request.uri().path().to_owned(), views::user(&current.user));
    let (application, creates) = (app_view(&resolved.application), resolved.request.prompt.create);
    let is_other = resolved.names_another_user(current);
    let page = Page::for_user(current, "Choose an account");
    let body = move || {
        let (address, user, application) = (address.clone(), user.clone(), application.clone());
        view! { <ChooseAccountPage address application user creates is_other /> }.into_any()
    };
    render(&context.state, request, page, body).await
}

/// Asks for consent to what the application requests.
pub(super) async fn consent(
    context: &RequestContext,
    request: Request,
    resolved: &ResolvedRequest,
    current: &CurrentUser,
) -> Response {
    let (address, user) = (request.uri().path().to_owned(), views::user(&current.user));
    let application = app_view(&resolved.application);
    let place = RedirectUri::from_stored(&resolved.request.return_to.redirect_uri).place();
    let shared_data: Vec<_> = resolved.request.scopes.iter().filter_map(Scope::sentence).collect();
    let outlives_session = resolved.request.scopes.has(Scope::OfflineAccess);
    let page = Page::for_user(current, "Allow access");
    let body = move || {
        let (address, user, application, place, shared_data) =
            (address.clone(), user.clone(), application.clone(), place.clone(), shared_data.clone());
        view! { <ConsentPage address application place user shared_data outlives_session /> }.into_any()
    };
    render(&context.state, request, page, body).await
}

/// Says why the user may not use the application.
pub(super) async fn explain(
    context: &RequestContext,
    request: Request,
    (resolved, reason): (&ResolvedRequest, Reason),
    current: &CurrentUser,
) -> Response {
    let (address, user) = (request.uri().path().to_owned(), views::user(&current.user));
    let application = app_view(&resolved.application);
    let (sentence, next_step) = match reason {
        Reason::AccountDisabled => ("This account is disabled. Contact your administrator.", NextStep::Back),
        Reason::ApplicationDisabled => ("This application is disabled. Contact your administrator.", NextStep::Back),
        Reason::NotInAudience => {
            ("You don't have access to this application. Contact your administrator.", NextStep::Back)
        }
        Reason::NeedsPasskey => {
            ("This application needs a passkey. Create one on this device, then continue.", NextStep::CreatePasskey)
        }
        Reason::NeedsDeviceBoundPasskey => (
            "This application needs a passkey that stays on one device, such as a security key. Create one, then \
             continue.",
            NextStep::CreatePasskey,
        ),
        Reason::SignInTooWeak => (
            "You can't open applications with this sign-in method. Sign in with a passkey, then continue.",
            NextStep::SignInAgain,
        ),
        Reason::TooOld => ("Your sign-in is too old for this application. Sign in again.", NextStep::SignInAgain),
    };
    let page = Page { status: StatusCode::FORBIDDEN, ..Page::for_user(current, "No access") };
    let body = move || {
        let (address, user, application) = (address.clone(), user.clone(), application.clone());
        view! { <ExplainPage address application user sentence next_step /> }.into_any()
    };
    render(&context.state, request, page, body).await
}
