//! Forms that work without scripts: each does what the server function of the same name does, and leads on by 303.

use super::pages::{recovery_page, sign_in_page, sign_up_page};
use super::render::context;
use crate::server::auth::{NewSession, RequestEmailError, SignUpFields, SignUpForm as SignUp};
use crate::server::http::limits::count;
use crate::server::http::refusal::refuse;
use crate::server::http::security_headers::clear_storage;
use crate::server::http::{AppState, RequestContext};
use crate::server::limiter::Subject;
use crate::server::model::email_request::Purpose;
use crate::server::model::limit;
use crate::server::secret::Token;
use crate::types::{ApiError, Next, Notice, paths};
use crate::ui::pages::SignUpInput;
use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded::byte_serialize;

/// Reads a form; what is left of the request serves to answer it with a page.
pub(super) async fn read<T: DeserializeOwned>(request: Request) -> Result<(T, Request), ApiError> {
    let (parts, body) = request.into_parts();
    let rest = Request::from_parts(parts.clone(), Body::empty());
    match Form::<T>::from_request(Request::from_parts(parts, body), &()).await {
        Ok(Form(form)) => Ok((form, rest)),
        Err(rejection) => Err(match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::UnsupportedMediaType,
            _ => ApiError::BadRequest,
        }),
    }
}

/// Leads on, with cookies.
pub(super) fn on_to(target: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let cookies = AppendHeaders(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect::<Vec<_>>());
    (cookies, Redirect::to(target)).into_response()
}

/// Leads on, with something to say there.
pub(super) fn on_with(state: &AppState, target: &str, notice: Notice) -> Response {
    on_to(target, state.cookies.set_notice(notice))
}

fn signed_in(context: &RequestContext, opened: &NewSession, next: &Next) -> Response {
    on_to(next.as_str(), context.signed_in_cookies(opened))
}

/// Signs out and leads to the start page.
pub async fn sign_out(State(state): State<AppState>, request: Request) -> Response {
    match context(&state, &request).sign_out().await {
        Ok(cookies) => {
            let cookies = cookies.into_iter().chain(state.cookies.set_notice(Notice::SignedOut));
            let mut response = on_to(paths::HOME, cookies);
            clear_storage(response.headers_mut());
            response
        }
        Err(cause) => refuse(cause.into()),
    }
}

#[derive(Deserialize)]
pub struct SignInForm {
    #[serde(default)]
    action: String,
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    code: String,
    username: Option<String>,
    next: Option<String>,
    #[serde(default)]
    scripts: String,
}

/// Asks for a letter, again if need be; answers one by its code; forgets who signed in last.
pub async fn sign_in(State(state): State<AppState>, request: Request) -> Response {
    let (form, request) = match read::<SignInForm>(request).await {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let context = context(&state, &request);
    match form.action.as_str() {
        "forget" => forget(&state, &context, &form).await,
        "code" => answer_code(&state, &context, &form).await,
        "recovery" => recover(&state, &context, request, form).await,
        "resend" => resend(&state, &context).await,
        // The button for a passkey, pressed before the page was awake: it can be pressed again.
        "passkey" if form.scripts != "off" => {
            let typed = Some((form.identifier, None));
            sign_in_page(&state, request, &Next::or_account(form.next.as_deref()), typed).await
        }
        _ => ask(&state, &context, request, form).await,
    }
}

/// Signs in with a recovery code; next comes making a passkey.
async fn recover(state: &AppState, context: &RequestContext, request: Request, form: SignInForm) -> Response {
    match context.auth().recover(&form.identifier, &form.code, context.arrival(None)).await.map_err(ApiError::from) {
        Ok(opened) => signed_in(context, &opened, &Next::or_account(None)),
        Err(error @ ApiError::CodeWrong { .. }) => recovery_page(state, request, form.identifier, Some(error)).await,
        Err(error) => refuse(error),
    }
}

async fn ask(state: &AppState, context: &RequestContext, request: Request, form: SignInForm) -> Response {
    let next = Next::or_account(form.next.as_deref());
    match context.auth().request_email(context.asker(), &form.identifier, next.clone()).await {
        Ok(asked) => on_to(paths::SIGN_IN_CODE, state.cookies.set_email(&asked)),
        Err(RequestEmailError::Unavailable(cause)) => refuse(cause.into()),
        Err(error) => {
            let error = ApiError::from(error);
            let page = sign_in_page(state, request, &next, Some((form.identifier, Some(error)))).await;
            with_pause(page, error)
        }
    }
}

async fn forget(state: &AppState, context: &RequestContext, form: &SignInForm) -> Response {
    let forgotten = async {
        let auth = context.auth();
        count(auth, &limit::CHOICES, Subject::Client(context.from())).await?;
        auth.forget(context.known.as_ref()).await?;
        Ok::<_, ApiError>(context.renew_browser().await?)
    };
    match forgotten.await {
        Ok(renewed) => {
            let cookies = state.cookies.end_known().into_iter().chain(state.cookies.set_notice(Notice::Forgotten));
            on_to(&sign_in_for(&Next::or_account(form.next.as_deref())), cookies.chain(renewed))
        }
        Err(error) => refuse(error),
    }
}

/// The sign-in page, on the way to somewhere.
fn sign_in_for(next: &Next) -> String {
    if next.as_str() == paths::ACCOUNT {
        return paths::SIGN_IN.to_owned();
    }
    format!("{}?next={}", paths::SIGN_IN, byte_serialize(next.as_str().as_bytes()).collect::<String>())
}

async fn answer_code(state: &AppState, context: &RequestContext, form: &SignInForm) -> Response {
    match context.auth().answer_code(&form.code, form.username.as_deref(), context.arrival(None)).await {
        Ok((opened, next)) => signed_in(context, &opened, &next),
        Err(error) => match error.into() {
            error @ (ApiError::Unavailable | ApiError::EmailOff | ApiError::TooManyRequests { .. }) => refuse(error),
            error @ (ApiError::LinkExpired | ApiError::CodeWrong { tries_left: Some(0) }) => {
                on_with(state, paths::SIGN_IN, Notice::Refused(error))
            }
            error => on_with(state, paths::SIGN_IN_CODE, Notice::Refused(error)),
        },
    }
}

/// Asks once more for what this browser asked for last.
async fn resend(state: &AppState, context: &RequestContext) -> Response {
    let open = match context.auth().open_request(context.email.as_ref()).await {
        Ok(Some(open)) => open,
        Ok(None) => return on_with(state, paths::SIGN_IN, Notice::Refused(ApiError::LinkExpired)),
        Err(cause) => return refuse(cause.into()),
    };
    let asked = match &open.request.purpose {
        Purpose::SignIn { identifier, .. } => {
            let next = open.request.next.clone();
            let asked = context.auth().request_email(context.asker(), identifier.as_str(), next).await;
            asked.map_err(ApiError::from)
        }
        Purpose::SignUp { username, display_name, address, invitation } => {
            let (username, display_name) = (username.clone(), display_name.clone());
            let form = SignUp { username, email: Some(address.clone()), display_name, invitation: *invitation };
            context.auth().request_sign_up(context.asker(), Ok(form)).await.map_err(ApiError::from)
        }
        Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } | Purpose::BreakGlass { .. } => {
            Err(ApiError::LinkExpired)
        }
    };
    match asked {
        Ok(asked) => {
            let cookies =
                state.cookies.set_email(&asked).into_iter().chain(state.cookies.set_notice(Notice::LetterSent));
            on_to(paths::SIGN_IN_CODE, cookies)
        }
        // The letter that went before still takes another name.
        Err(ApiError::UsernameTaken) => on_with(state, paths::SIGN_IN_CODE, Notice::Refused(ApiError::UsernameTaken)),
        Err(error) => refuse(error),
    }
}

#[derive(Deserialize)]
pub struct SignUpForm {
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

/// Signs up by letter.
pub async fn sign_up(State(state): State<AppState>, request: Request) -> Response {
    let (form, request) = match read::<SignUpForm>(request).await {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let typed = SignUpInput {
        display_name: form.display_name.clone(),
        username: form.username.clone(),
        email: form.email.clone(),
        invite: form.invite.clone(),
    };
    if form.action == "passkey" && form.scripts != "off" {
        return match state.auth.may_sign_up(Some(&form.invite)).await {
            Ok(Ok(())) => sign_up_page(&state, request, typed, None).await,
            Ok(Err(cause)) => refuse(cause.into()),
            Err(cause) => refuse(cause.into()),
        };
    }
    let context = context(&state, &request);
    let name = Some(form.display_name.as_str()).filter(|name| !name.trim().is_empty());
    let fields = SignUpFields {
        username: &form.username,
        email: Some(&form.email),
        display_name: name,
        invite: Some(form.invite.as_str()).filter(|invite| !invite.is_empty()),
    };
    match context.request_sign_up(fields).await {
        Ok(asked) => on_to(paths::SIGN_IN_CODE, state.cookies.set_email(&asked)),
        Err(error @ (ApiError::Unavailable | ApiError::InvitationRequired | ApiError::SignUpOff)) => refuse(error),
        Err(error) => with_pause(sign_up_page(&state, request, typed, Some(error)).await, error),
    }
}

#[derive(Deserialize)]
pub struct AnswerForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    action: String,
    username: Option<String>,
}

/// The button on the page of a link that shows who is there.
async fn reauthenticate(state: &AppState, context: &RequestContext, token: &str) -> Response {
    let current_user = match context.current_user().await {
        Ok(Some(current_user)) => current_user,
        Ok(None) => return on_with(state, paths::SIGN_IN, Notice::Refused(ApiError::SignedOut)),
        Err(cause) => return refuse(cause.into()),
    };
    if context.auth().is_confined(&current_user) {
        return refuse(ApiError::ReauthenticationRequired);
    }
    match context.auth().reauthenticate_by_link(&current_user, token, context.from()).await {
        Ok((renewed, next)) => {
            let cookies = state.cookies.set_session(&renewed.session, &renewed.token).into_iter();
            on_to(next.as_str(), cookies.chain(state.cookies.set_notice(Notice::Reauthenticated)))
        }
        Err(error) => refuse(error.into()),
    }
}

/// The button on the page of a letter's link.
pub async fn answer_link(State(state): State<AppState>, request: Request) -> Response {
    let (form, request) = match read::<AnswerForm>(request).await {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let context = context(&state, &request);
    if form.action == "reauthenticate" {
        return reauthenticate(&state, &context, &form.token).await;
    }
    match context.auth().answer_link(&form.token, form.username.as_deref(), context.arrival(None)).await {
        Ok((opened, next)) => signed_in(&context, &opened, &next),
        Err(error) => match error.into() {
            error @ (ApiError::UsernameTaken | ApiError::InvalidUsername) => {
                // The token came from this very page, so the address of that page may hold it again.
                on_with(&state, &format!("{}?token={}", paths::EMAIL_LINK, form.token), Notice::Refused(error))
            }
            ApiError::LinkExpired => on_with(&state, paths::SIGN_IN, Notice::Refused(ApiError::LinkExpired)),
            error => refuse(error),
        },
    }
}

/// The button on the page of a confirmation's link, or the code typed on the account page.
pub async fn confirm(State(state): State<AppState>, request: Request) -> Response {
    let (form, request) = match read::<AnswerForm>(request).await {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let context = context(&state, &request);
    let current_user = match context.current_user().await {
        Ok(Some(current_user)) => current_user,
        Ok(None) => {
            let kept = Token::from_link(&form.token).and_then(|token| state.cookies.set_confirmation(&token));
            let notice = state.cookies.set_notice(Notice::Refused(ApiError::SignedOut));
            let back = format!("{}?next={}", paths::SIGN_IN, paths::EMAIL_CONFIRM);
            return on_to(&back, kept.into_iter().chain(notice));
        }
        Err(cause) => return refuse(cause.into()),
    };
    let confirmed = if form.token.is_empty() {
        context.auth().confirm_by_code(&current_user, &form.code, context.from()).await
    } else {
        context.auth().confirm_by_link(&current_user, &form.token, context.from()).await
    };
    match confirmed.map_err(ApiError::from) {
        Ok(_) => on_with(&state, paths::ACCOUNT, Notice::AddressConfirmed),
        Err(error @ (ApiError::Unavailable | ApiError::TooManyRequests { .. })) => refuse(error),
        Err(error) => on_with(&state, paths::ACCOUNT, Notice::Refused(error)),
    }
}

/// A page that tells a refusal, with the header that says how long to wait.
fn with_pause(mut page: Response, error: ApiError) -> Response {
    if let Some(seconds) = error.retry_after() {
        page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    page
}
