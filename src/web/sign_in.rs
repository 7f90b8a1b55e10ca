//! Signing in: by passkey (the page's island), by email, by the code of an email, and by a recovery code.

use super::extract::{form, query};
use super::oauth::requesting_application;
use super::redirect;
use super::render::{
    Page, at, field_refusal, is_about_code, is_about_name, redirect_if_signed_in, render_and_name, with_retry_after,
};
use super::sign_up;
use crate::server::auth::{SignUpForm, view as views};
use crate::server::http::RequestContext;
use crate::server::http::limits::count;
use crate::server::limiter::Subject;
use crate::server::model::email_request::{EmailRequest, Purpose};
use crate::server::model::limit;
use crate::types::{ApiError, Next, Notice, paths};
use crate::ui::pages::{CodePage, PendingEmail, SignInPage, SignUpInput, UseRecoveryCodePage};
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// How long a user must wait before requesting the email again, in seconds.
const RESEND_AFTER: u64 = 60;

#[derive(Debug, Default, Deserialize)]
struct SignInQuery {
    next: Option<String>,
    step: Option<String>,
}

#[derive(Deserialize)]
struct SignInForm {
    #[serde(default)]
    action: String,
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    code: String,
    /// When signing up.
    username: Option<String>,
    #[serde(default)]
    display_name: String,
    next: Option<String>,
    #[serde(default)]
    scripts: String,
}

/// `GET /sign-in`, with its steps.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let query: SignInQuery = query(&request);
    match query.step.as_deref() {
        Some("code") => code_page(&context, request, None).await,
        Some("recovery") => recovery_page(&context, request, String::new(), None).await,
        Some("change") => change_page(&context, request).await,
        _ => page(&context, request, &Next::or_account(query.next.as_deref()), None).await,
    }
}

/// `POST /sign-in`.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, request) = form::<SignInForm>(request).await?;
    match form.action.as_str() {
        "forget" => forget(&context, &form).await,
        "code" => redeem_code(&context, request, form).await,
        "recovery" => recover(&context, request, form).await,
        "resend" => resend(&context).await,
        // The passkey button, pressed before the page was hydrated: it can be pressed again.
        "passkey" if form.scripts != "off" => {
            let typed = Some((form.identifier, None));
            page(&context, request, &Next::or_account(form.next.as_deref()), typed).await
        }
        _ => request_email(&context, request, form).await,
    }
}

/// Signs in with a recovery code; the next step is to create a passkey.
async fn recover(context: &RequestContext, request: Request, form: SignInForm) -> Result<Response, ApiError> {
    let recovery = context.state.recovery();
    match recovery.sign_in(&form.identifier, &form.code, &context.caller()).await.map_err(ApiError::from) {
        Ok(new) => Ok(redirect::signed_in(context, &new, &Next::or_account(None))),
        Err(error @ (ApiError::CodeWrong { .. } | ApiError::TooManyRequests { .. })) => {
            Ok(with_retry_after(recovery_page(context, request, form.identifier, Some(error)).await?, error))
        }
        Err(error) => Err(error),
    }
}

async fn request_email(context: &RequestContext, request: Request, form: SignInForm) -> Result<Response, ApiError> {
    let next = Next::or_account(form.next.as_deref());
    let requests = context.state.email_requests();
    match requests.request(&context.caller(), &form.identifier, next.clone()).await.map_err(ApiError::from) {
        Ok(requested) => Ok(redirect::to(paths::SIGN_IN_CODE, context.state.cookies.set_email(&requested))),
        Err(ApiError::Unavailable) => Err(ApiError::Unavailable),
        Err(error) => {
            let page = page(context, request, &next, Some((form.identifier, Some(error)))).await?;
            Ok(with_retry_after(page, error))
        }
    }
}

/// Forgets the user who last signed in with this browser.
async fn forget(context: &RequestContext, form: &SignInForm) -> Result<Response, ApiError> {
    let state = &context.state;
    count(state.core(), &limit::CHOICES, Subject::Client(context.from())).await?;
    state.browsers().forget(context.known.as_ref()).await?;
    let renewed = context.renew_browser().await?;
    let cookies = state.cookies.end_known().into_iter().chain(state.cookies.set_notice(Notice::Forgotten));
    let next = Next::or_account(form.next.as_deref());
    Ok(redirect::to(&redirect::sign_in_for(&next), cookies.chain(renewed)))
}

async fn redeem_code(context: &RequestContext, request: Request, form: SignInForm) -> Result<Response, ApiError> {
    let state = &context.state;
    let answered = state.email_sign_in().redeem_code(&form.code, form.username.as_deref(), &context.caller()).await;
    match answered.map_err(ApiError::from) {
        Ok((new, next)) => Ok(redirect::signed_in(context, &new, &next)),
        Err(error @ (ApiError::Unavailable | ApiError::EmailOff | ApiError::TooManyRequests { .. })) => Err(error),
        // The link was opened in another tab.
        Err(ApiError::LinkExpired) if context.current_user().await?.is_some() => {
            Ok(redirect::to(Next::or_account(form.next.as_deref()).as_str(), None))
        }
        Err(error @ (ApiError::LinkExpired | ApiError::CodeWrong { tries_left: Some(0) })) => {
            // To request another email.
            let next = Next::or_account(form.next.as_deref());
            match form.username {
                Some(username) => {
                    let (display_name, email) = (form.display_name, form.identifier);
                    sign_up::again(
                        context,
                        request,
                        SignUpInput { display_name, username, email, invite: String::new() },
                        error,
                    )
                    .await
                }
                None => page(context, request, &next, Some((form.identifier, Some(error)))).await,
            }
        }
        Err(error) if is_about_name(error) => code_page(context, request, Some((form, error))).await,
        Err(error) => Ok(redirect::with_refusal(state, paths::SIGN_IN_CODE, error)),
    }
}

/// Repeats the last email request of this browser.
async fn resend(context: &RequestContext) -> Result<Response, ApiError> {
    let state = &context.state;
    let Some(open) = state.email_requests().open(context.email.as_ref()).await? else {
        let start = redirect::sign_in_for(&context.pending_next());
        return Ok(redirect::with_refusal(state, &start, ApiError::LinkExpired));
    };
    let caller = context.caller();
    let requested = match open.request.purpose {
        Purpose::SignIn { identifier, .. } => {
            state.email_requests().request(&caller, identifier.as_str(), open.request.next).await
        }
        Purpose::SignUp { username, display_name, address, invitation } => {
            let form = SignUpForm { username, email: Some(address), display_name, invitation };
            state.sign_up().request_email(&caller, Ok(form), open.request.next).await
        }
        Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } | Purpose::BreakGlass { .. } => {
            return Err(ApiError::LinkExpired);
        }
    };
    match requested.map_err(ApiError::from) {
        Ok(requested) => {
            let cookies = state.cookies.set_email(&requested).into_iter();
            Ok(redirect::to(paths::SIGN_IN_CODE, cookies.chain(state.cookies.set_notice(Notice::EmailSent))))
        }
        // The previous email still works with another username.
        Err(ApiError::UsernameTaken) => Ok(redirect::with_refusal(state, paths::SIGN_IN_CODE, ApiError::UsernameTaken)),
        Err(error) => Err(error),
    }
}

/// Redirects to sign-in if no email request is open.
fn start_again(context: &RequestContext) -> Response {
    redirect::to(&redirect::sign_in_for(&context.pending_next()), None)
}

/// The page, with the text that was entered and the reason why it was refused.
async fn page(
    context: &RequestContext,
    request: Request,
    next: &Next,
    typed: Option<(String, Option<ApiError>)>,
) -> Result<Response, ApiError> {
    let request = if request.method() == Method::POST { at(request, &redirect::sign_in_for(next)) } else { request };
    let remembered = context.state.browsers().remembered(context.known.as_ref()).await?;
    let last_user = remembered.as_ref().map(views::user);
    let (typed, refusal) = typed.map_or((None, None), |(typed, refusal)| (Some(typed), refusal));
    let requesting = requesting_application(context, next).await?;
    let (application, hint) = requesting.map(|requesting| (requesting.application, requesting.login_hint)).unzip();
    let typed = typed.or(hint.flatten());
    let page = Page::new("Sign in").interactive().refused(refusal);
    let (target, by_email) = (next.to_string(), context.state.core().email().signs_in());
    let body = move || {
        let (next, typed, last_user, application) =
            (target.clone(), typed.clone(), last_user.clone(), application.clone());
        view! { <SignInPage next typed last_user refusal by_email application /> }.into_any()
    };
    match redirect_if_signed_in(context, next.as_str()).await? {
        Some(elsewhere) => Ok(elsewhere),
        None => Ok(render_and_name(context, request, page, body).await),
    }
}

/// The page where the identifier of an email request can be corrected.
async fn change_page(context: &RequestContext, request: Request) -> Result<Response, ApiError> {
    let open = context.state.email_requests().open(context.email.as_ref()).await?;
    let (typed, next) = match open.map(|open| open.request) {
        Some(EmailRequest { purpose: Purpose::SignIn { identifier, .. }, next, .. }) => (identifier.to_string(), next),
        _ => return Ok(start_again(context)),
    };
    page(context, request, &next, Some((typed, None))).await
}

/// The page for a recovery code, with the text that was entered and the reason why it was refused.
async fn recovery_page(
    context: &RequestContext,
    request: Request,
    identifier: String,
    refusal: Option<ApiError>,
) -> Result<Response, ApiError> {
    let page = Page::new("Use a recovery code").refused(refusal);
    let identifier = if identifier.is_empty() {
        let remembered = context.state.browsers().remembered(context.known.as_ref()).await?;
        remembered.map(|user| user.username.to_string()).unwrap_or_default()
    } else {
        identifier
    };
    let by_email = context.state.core().email().signs_in();
    let sign_in = redirect::sign_in_for(&context.pending_next());
    let body = move || {
        let (identifier, sign_in) = (identifier.clone(), sign_in.clone());
        view! { <UseRecoveryCodePage identifier by_email sign_in refusal /> }.into_any()
    };
    match redirect_if_signed_in(context, paths::ACCOUNT).await? {
        Some(elsewhere) => Ok(elsewhere),
        None => Ok(render_and_name(context, request, page, body).await),
    }
}

/// The page for the code of an email, with a refused form; redirects to sign-in if no request is open.
async fn code_page(
    context: &RequestContext,
    request: Request,
    refused: Option<(SignInForm, ApiError)>,
) -> Result<Response, ApiError> {
    let request = at(request, paths::SIGN_IN_CODE);
    let requests = context.state.email_requests();
    let Some(open) = requests.open(context.email.as_ref()).await? else {
        return Ok(start_again(context));
    };
    let (age, rest) = requests.age_and_remaining(&open);
    let (asked_for, user, correct_at) = match open.request.purpose {
        Purpose::SignIn { identifier, .. } => (identifier.to_string(), None, Some(paths::SIGN_IN_CHANGE)),
        Purpose::SignUp { username, display_name, address, invitation } => {
            // The invitation link is not stored, and it is needed to sign up again.
            let correct_at = invitation.is_none().then_some(paths::SIGN_UP_CHANGE);
            (
                address.to_string(),
                Some((username.to_string(), sign_up::chosen_name(&display_name, &username))),
                correct_at,
            )
        }
        Purpose::Confirm { address, .. } | Purpose::Reauthenticate { address, .. } => (address.to_string(), None, None),
        Purpose::BreakGlass { .. } => return Ok(start_again(context)),
    };
    let email = PendingEmail {
        asked_for,
        user,
        correct_at,
        typed: refused.as_ref().map(|(form, _)| (form.code.clone(), form.username.clone().unwrap_or_default())),
        sign_in: redirect::sign_in_for(&open.request.next),
        next: open.request.next.as_str().to_owned(),
        minutes_left: rest.as_secs().div_ceil(60),
        resend_in: u32::try_from(RESEND_AFTER.saturating_sub(age.as_secs())).unwrap_or_default(),
    };
    let refusal = refused.map(|(_, error)| error);
    let field_refusal = refusal
        .or_else(|| field_refusal(&context.state, &request, |error| is_about_code(error) || is_about_name(error)));
    let page = Page { field_refusal, ..Page::new("Check your email").interactive().refused(refusal) };
    let target = open.request.next;
    let body = move || view! { <CodePage email=email.clone() refusal=field_refusal /> }.into_any();
    match redirect_if_signed_in(context, target.as_str()).await? {
        Some(elsewhere) => Ok(elsewhere),
        None => Ok(render_and_name(context, request, page, body).await),
    }
}
