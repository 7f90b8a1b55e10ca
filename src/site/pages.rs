use super::account_form::AccountForm;
use super::identity::ask_who_is_there;
use super::render::{Page, context, render, told};
use super::{letters, signals};
use crate::server::Unavailable;
use crate::server::auth::{Denied, Visitor};
use crate::server::config::EmailSignIn;
use crate::server::http::health::in_time;
use crate::server::http::refusal::{refuse, status};
use crate::server::http::{AppState, RequestContext};
use crate::server::model::session::Method as SignInMethod;
use crate::server::model::{CredentialId, Event, EventId, EventKind, event};
use crate::types::{self, ApiError, Language, paths};
use crate::ui::pages::{
    AccountPage, AccountState, ActivityLine, Confirmation, HomePage, RefusalPage, SignInPage, SignUpInput, SignUpPage,
    Typed, UseRecoveryCodePage, heading,
};
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// What the sign-in page is asked to do afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct SignInQuery {
    next: Option<String>,
    step: Option<String>,
}

pub async fn home(State(state): State<AppState>, request: Request) -> Response {
    let visitor = match context(&state, &request).visitor().await {
        Ok(visitor) => visitor.map(|visitor| visitor.user.view()),
        Err(cause) => return refuse(cause.into()),
    };
    let page =
        Page { title: "Start", status: StatusCode::OK, interactive: false, visitor: visitor.clone(), told: None };
    render(&state, request, page, move || view! { <HomePage visitor=visitor.clone() /> }.into_any()).await
}

/// What somebody comes to sign up with.
#[derive(Debug, Default, Deserialize)]
struct SignUpQuery {
    #[serde(default)]
    invite: String,
}

pub async fn sign_up(State(state): State<AppState>, request: Request) -> Response {
    let query = Query::<SignUpQuery>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default();
    match state.auth.may_sign_up(Some(&query.invite)).await {
        Ok(Ok(())) => {}
        Ok(Err(cause)) => return refuse(cause.into()),
        Err(cause) => return refuse(cause.into()),
    }
    sign_up_page(&state, request, SignUpInput { invite: query.invite, ..SignUpInput::default() }, None).await
}

/// The sign-up page, with what was typed and why it was refused.
pub async fn sign_up_page(
    state: &AppState,
    mut request: Request,
    typed: SignUpInput,
    refusal: Option<ApiError>,
) -> Response {
    // A form that was refused stands at an address without the invitation; what leads back here needs it.
    if !typed.invite.is_empty()
        && let Ok(address) = format!("{}?invite={}", paths::SIGN_UP, typed.invite).parse()
    {
        *request.uri_mut() = address;
    }
    let page = Page {
        title: "Sign up",
        status: refusal.map_or(StatusCode::OK, status),
        interactive: true,
        visitor: None,
        told: None,
    };
    let (letters, needs_address) = (signs_in_by_letter(state), state.auth.needs_address);
    let body = move || view! { <SignUpPage typed=typed.clone() refusal letters needs_address /> }.into_any();
    for_strangers(state, request, paths::ACCOUNT, page, body).await
}

pub async fn sign_in(State(state): State<AppState>, request: Request) -> Response {
    let query = Query::<SignInQuery>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default();
    let next = types::Next::or_account(query.next.as_deref());
    match query.step.as_deref() {
        Some("code") => return letters::code_page(&state, request).await,
        Some("recovery") => return recovery_page(&state, request, String::new(), None).await,
        _ => {}
    }
    sign_in_page(&state, request, &next, None).await
}

/// The sign-in page, with what was typed and why it was refused.
pub async fn sign_in_page(
    state: &AppState,
    request: Request,
    next: &types::Next,
    typed: Option<(String, Option<ApiError>)>,
) -> Response {
    let context = context(state, &request);
    let greeted = match context.auth().remembered(context.known.as_ref()).await {
        Ok(user) => user.map(|user| user.view()),
        Err(cause) => return refuse(cause.into()),
    };
    let (typed, refusal) = typed.map_or((None, None), |(typed, refusal)| (Some(typed), refusal));
    let page = Page {
        title: "Sign in",
        status: refusal.map_or(StatusCode::OK, status),
        interactive: true,
        visitor: None,
        told: None,
    };
    let (target, letters) = (next.to_string(), signs_in_by_letter(state));
    let body = move || {
        let (next, typed, greeted) = (target.clone(), typed.clone(), greeted.clone());
        view! { <SignInPage next typed greeted refusal letters /> }.into_any()
    };
    for_strangers(state, request, next.as_str(), page, body).await
}

/// Where a recovery code is typed, with what was typed and why it was refused.
pub async fn recovery_page(
    state: &AppState,
    request: Request,
    identifier: String,
    refusal: Option<ApiError>,
) -> Response {
    let page = Page {
        title: "Use a recovery code",
        status: refusal.map_or(StatusCode::OK, status),
        interactive: false,
        visitor: None,
        told: None,
    };
    let body = move || view! { <UseRecoveryCodePage identifier=identifier.clone() refusal /> }.into_any();
    for_strangers(state, request, paths::ACCOUNT, page, body).await
}

/// Whether letters sign people in here.
fn signs_in_by_letter(state: &AppState) -> bool {
    state.auth.email_sign_in != EmailSignIn::Off
}

/// A page that makes sense only before signing in; names the browser, so that tabs opened together agree on its name.
pub(super) async fn for_strangers(
    state: &AppState,
    request: Request,
    signed_in_target: &str,
    page: Page,
    body: impl Fn() -> leptos::prelude::AnyView + Clone + Send + Sync + 'static,
) -> Response {
    let context = context(state, &request);
    match context.visitor().await {
        Ok(None) => {}
        Ok(Some(_)) => return Redirect::to(signed_in_target).into_response(),
        Err(cause) => return refuse(cause.into()),
    }
    let mut response = render(state, request, page, body).await;
    if let (_, Some(cookie)) = context.browser_or_new() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

pub async fn account(State(state): State<AppState>, request: Request) -> Response {
    let context = context(&state, &request);
    let visitor = match context.visitor().await {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return to_sign_in(paths::ACCOUNT),
        Err(cause) => return refuse(cause.into()),
    };
    let query = Query::<AccountQuery>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default();
    if query.step.as_deref() == Some("confirm") && !state.auth.is_confined(&visitor) {
        return confirm_and_go_on(&state, &context, request, visitor, query.next).await;
    }
    account_page(&state, request, &context, &visitor, None).await
}

/// Asks who is there, unless that is known, and leads on to a page that wants to know.
async fn confirm_and_go_on(
    state: &AppState,
    context: &RequestContext,
    request: Request,
    visitor: Visitor,
    next: Option<String>,
) -> Response {
    let next = types::Next::or_account(next.as_deref());
    match state.auth.check_acting(&visitor).await {
        Ok(()) => Redirect::to(next.as_str()).into_response(),
        Err(Denied::ReauthenticationRequired) => {
            let form = AccountForm { action: "go-on".to_owned(), next: next.to_string(), ..AccountForm::default() };
            ask_who_is_there(state, context, request, visitor, form, None).await
        }
        Err(denied) => refuse(denied.into()),
    }
}

/// The account page of a visitor; with a form that was not done, what was typed in it comes back.
pub(super) async fn account_page(
    state: &AppState,
    request: Request,
    context: &RequestContext,
    visitor: &Visitor,
    typed: Option<(Typed, StatusCode)>,
) -> Response {
    let query = Query::<AccountQuery>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default();
    let account = match account_state(context, visitor, &query).await {
        Ok(Some(account)) => account,
        Ok(None) => return refuse(ApiError::NotFound),
        Err(cause) => return refuse(cause.into()),
    };
    let user = visitor.user.view();
    let told = told(state, &request, is_about_code);
    let (typed, status) = typed.map_or((None, StatusCode::OK), |(typed, status)| (Some(typed), status));
    let page = Page { title: "Account", status, interactive: true, visitor: Some(user.clone()), told };
    let body = move || {
        let (user, account, typed) = (user.clone(), account.clone(), typed.clone());
        view! { <AccountPage user account refusal=told typed /> }.into_any()
    };
    render(state, request, page, body).await
}

/// Whether a refusal is told beside the field for a code.
pub fn is_about_code(error: ApiError) -> bool {
    matches!(error, ApiError::CodeWrong { .. })
}

/// What the account page is to show.
#[derive(Debug, Default, Deserialize)]
struct AccountQuery {
    step: Option<String>,
    /// The passkey that was just removed.
    removed: Option<String>,
    /// Where to go on to.
    next: Option<String>,
    /// Where the page of the activity begins.
    before: Option<String>,
}

/// Everything that the account page says; `None` when it is asked for activity that does not exist.
async fn account_state(
    context: &RequestContext,
    visitor: &Visitor,
    query: &AccountQuery,
) -> Result<Option<AccountState>, Unavailable> {
    let auth = context.auth();
    let before = match query.before.as_deref().map(EventId::decode) {
        Some(None) => return Ok(None),
        Some(before) => before,
        None => None,
    };
    let Some(events) = auth.activity(visitor.user.id, before).await? else { return Ok(None) };
    let awaited = auth.open_confirmation(visitor).await?.map(|address| address.to_string());
    let claimed = visitor.user.email.as_ref().filter(|_| !visitor.user.email_verified && auth.sends_letters);
    let (passkeys, sessions) = (auth.store.passkeys(visitor.user.id).await?, auth.sessions(visitor).await?);
    let own = &visitor.session;
    let rp_id = auth.relying_party.id();
    let accepted: Vec<_> = passkeys
        .iter()
        .filter(|passkey| passkey.is_usable(rp_id))
        .map(|passkey| passkey.credential_id.encode())
        .collect();
    let removed = query.removed.as_deref().and_then(CredentialId::decode).map(|id| {
        let opened = sessions
            .iter()
            .filter(|session| session.id != own.id && session.method == SignInMethod::Passkey(id.clone()));
        (query.removed.clone().unwrap_or_default(), opened.count())
    });
    Ok(Some(AccountState {
        // An empty list has a device forget everything: only when the last passkey was just removed.
        accepted: if accepted.is_empty() && query.removed.is_none() {
            String::new()
        } else {
            signals::accepted(context, visitor, &accepted)?
        },
        details: signals::details(context, visitor)?,
        letters_let_in: auth.letters_let_in(&visitor.user),
        sends_letters: auth.sends_letters,
        recovery_codes: auth.store.count_recovery_codes(visitor.user.id).await?,
        has_older_activity: events.len() == usize::try_from(event::PAGE).unwrap_or_default(),
        activity: events.iter().map(|event| line(event, context.language)).collect(),
        is_adding: query.step.as_deref() == Some("add") && auth.can_add(visitor).await?,
        removed: removed.filter(|(_, sessions)| *sessions > 0),
        passkeys: passkeys.iter().map(|passkey| auth.view_passkey(visitor, passkey, &passkeys)).collect(),
        sessions: sessions.iter().map(|session| session.view(session.id == own.id)).collect(),
        usable_passkeys: passkeys.iter().filter(|passkey| passkey.is_usable(rp_id)).count(),
        offers_passkey: auth.offers_passkey(visitor, context.known.as_ref()).await?,
        confirmation: match (awaited, claimed) {
            (Some(address), _) => Confirmation::WaitsForCode { address },
            (None, Some(address)) => Confirmation::Needed { address: address.to_string() },
            (None, None) => Confirmation::NotNeeded,
        },
        is_confined: auth.is_confined(visitor),
        has_made_passkey: visitor.session.added_passkey,
    }))
}

fn line(event: &Event, language: Language) -> ActivityLine {
    // Details of other kinds are what people typed.
    let is_ours = matches!(
        event.kind,
        EventKind::SignedUp | EventKind::SignedIn | EventKind::SignInRefused | EventKind::Reauthenticated
    );
    let in_words = |detail: &String| {
        let translated = types::texts::look_up(detail, language).filter(|_| is_ours);
        translated.map_or_else(|| detail.clone(), str::to_owned)
    };
    ActivityLine {
        id: event.id.0.to_string(),
        said: event.kind.sentence(),
        detail: event.detail.as_ref().map(in_words),
        client: event.client.clone(),
        at: event.at.to_rfc3339(),
    }
}

/// Sends a stranger to sign in, and back afterwards.
pub fn to_sign_in(next: &str) -> Response {
    Redirect::to(&format!("{}?next={next}", paths::SIGN_IN)).into_response()
}

/// The longest name of a file, in bytes, that every system we know takes, with the ending of a compressed one.
const LONGEST_NAME: usize = 255 - ".br".len();

/// Everything that has no route: a file of the site, or the page that says there is nothing.
pub async fn other(State(state): State<AppState>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refuse(ApiError::NotFound);
    }
    // No file of ours has a longer name, and the system would call it a failure.
    if request.uri().path().split('/').any(|name| name.len() > LONGEST_NAME) {
        return refuse(ApiError::NotFound);
    }
    let response = state.files.serve(&state.leptos.site_pkg_dir, request).await;
    if response.status() == StatusCode::NOT_FOUND { refuse(ApiError::NotFound) } else { response }
}

pub async fn not_allowed() -> Response {
    refuse(ApiError::MethodNotAllowed)
}

/// Puts a page in the place of a refusal for who reads HTML; programs keep the JSON.
pub async fn for_people(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_api =
        request.uri().path().strip_prefix(paths::API).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_api || !reads_html(request.headers()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let again = Request::from_parts(parts.clone(), Body::empty());
    let response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions().get::<ApiError>() {
        Some(error) => {
            let mut page = refusal_page(&state, again, *error).await;
            for cookie in response.headers().get_all(header::SET_COOKIE) {
                page.headers_mut().append(header::SET_COOKIE, cookie.clone());
            }
            page
        }
        None => response,
    }
}

fn reads_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// The page for a refusal. Only where no backend failed does it ask who is signed in, and not for long.
async fn refusal_page(state: &AppState, request: Request, error: ApiError) -> Response {
    let visitor = match error {
        ApiError::Unavailable | ApiError::Internal => None,
        _ => in_time(context(state, &request).visitor()).await.flatten().map(|visitor| visitor.user.view()),
    };
    let page =
        Page { title: heading(error), status: status(error), interactive: error.wait() > 0, visitor, told: None };
    let mut response = render(state, request, page, move || view! { <RefusalPage error /> }.into_any()).await;
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
