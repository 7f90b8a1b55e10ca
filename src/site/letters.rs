//! Pages around letters: where to type the code, what a link would do, and the development mailbox.

use super::pages::{for_strangers, to_sign_in};
use super::render::{Page, context, is_about_code, render, told};
use crate::server::auth::{AnswerError, LinkOffer};
use crate::server::http::refusal::refuse;
use crate::server::http::{AppState, RequestContext};
use crate::server::model::email_request::Purpose;
use crate::server::secret::Token;
use crate::server::store::MailboxEmail;
use crate::types::{ApiError, paths, views};
use crate::ui::pages::{
    CodePage, ConfirmPage, Line, LinkPage, MailboxEntry, MailboxPage, OpenLetter, ReauthenticatePage,
};
use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use leptos::prelude::{IntoAny, view};
use serde::{Deserialize, Serialize};

/// How many letters the mailbox shows.
const SHOWN: u32 = 50;
/// How long the page makes a person wait before the letter can be asked for again, in seconds.
const RESEND_AFTER: u64 = 60;

#[derive(Debug, Default, Deserialize)]
struct TokenQuery {
    #[serde(default)]
    token: String,
}

/// Whether a refusal is told beside the field for the name of an account that is still to be made.
fn is_about_name(error: ApiError) -> bool {
    matches!(error, ApiError::InvalidUsername | ApiError::UsernameTaken)
}

pub(super) fn token_of(request: &Request) -> String {
    Query::<TokenQuery>::try_from_uri(request.uri()).map(|Query(query)| query.token).unwrap_or_default()
}

/// Where the code of a letter is typed; leads back to the beginning when no letter is open.
pub(super) async fn code_page(state: &AppState, request: Request) -> Response {
    let context = context(state, &request);
    let open = match context.auth().open_request(context.email.as_ref()).await {
        Ok(Some(open)) => open,
        Ok(None) => return Redirect::to(paths::SIGN_IN).into_response(),
        Err(cause) => return refuse(cause.into()),
    };
    let now = context.auth().clock.now();
    let age = now.since(open.request.created_at).as_secs();
    let (asked_for, username) = match open.request.purpose {
        Purpose::SignIn { identifier, .. } => (identifier.to_string(), None),
        Purpose::SignUp { username, address, .. } => (address.to_string(), Some(username.to_string())),
        Purpose::Confirm { address, .. } | Purpose::Reauthenticate { address, .. } => (address.to_string(), None),
        Purpose::BreakGlass { .. } => return Redirect::to(paths::SIGN_IN).into_response(),
    };
    let letter = OpenLetter {
        asked_for,
        username,
        minutes_left: open.request.expires_at.since(now).as_secs().div_ceil(60),
        resend_in: u32::try_from(RESEND_AFTER.saturating_sub(age)).unwrap_or_default(),
    };
    let told = told(state, &request, |error| is_about_code(error) || is_about_name(error));
    let page =
        Page { title: "Look in your mailbox", status: StatusCode::OK, interactive: true, current_user: None, told };
    let target = open.request.next.clone();
    let body = move || view! { <CodePage letter=letter.clone() refusal=told /> }.into_any();
    for_strangers(state, request, target.as_str(), page, body).await
}

/// What a letter's link would do, and the button that does it. Looking changes nothing.
pub async fn link(State(state): State<AppState>, request: Request) -> Response {
    let context = context(&state, &request);
    let token = token_of(&request);
    let offer = match context.auth().look_at_link(context.email.as_ref(), &token).await {
        Ok(offer) => offer,
        Err(AnswerError::Expired) => return reauthentication(&state, request, &context, token).await,
        Err(error) => return refuse(error.into()),
    };
    let current_user = match context.current_user().await {
        Ok(current_user) => current_user.map(|current_user| current_user.user.view()),
        Err(cause) => return refuse(cause.into()),
    };
    let (user, new_username) = match offer {
        LinkOffer::SignIn(user) => (Some(user.view()), None),
        LinkOffer::SignUp { username } => (None, Some(username.to_string())),
    };
    let is_meant = |current_user: &&views::User| user.as_ref().is_some_and(|user| user.id == current_user.id);
    let replaced = current_user
        .as_ref()
        .filter(|current_user| !is_meant(current_user))
        .map(|current_user| current_user.username.clone());
    let told = told(&state, &request, is_about_name);
    let title = if user.is_some() { "Sign in" } else { "Finish signing up" };
    let page = Page { title, status: StatusCode::OK, interactive: false, current_user, told };
    let body = move || {
        let (token, user, new_username, replaced) =
            (token.clone(), user.clone(), new_username.clone(), replaced.clone());
        view! { <LinkPage token user new_username replaced refusal=told /> }.into_any()
    };
    render(&state, request, page, body).await
}

/// The link of a letter that shows who is there, to who is signed in; anything else is no link at all.
async fn reauthentication(state: &AppState, request: Request, context: &RequestContext, token: String) -> Response {
    let current_user = match context.current_user().await {
        Ok(Some(current_user)) => current_user,
        Ok(None) => return refuse(ApiError::LinkExpired),
        Err(cause) => return refuse(cause.into()),
    };
    if let Err(error) = context.auth().look_at_reauthentication(&current_user, &token).await {
        return refuse(error.into());
    }
    let current_user = Some(current_user.user.view());
    let page =
        Page { title: "Confirm that it is you", status: StatusCode::OK, interactive: false, current_user, told: None };
    let body = move || view! { <ReauthenticatePage token=token.clone() /> }.into_any();
    render(state, request, page, body).await
}

/// Which address a confirmation's link would prove, and the button that does it.
pub async fn confirm(State(state): State<AppState>, request: Request) -> Response {
    let context = context(&state, &request);
    let kept = state.cookies.confirmation(request.headers()).map(|token| token.encode());
    let token = Some(token_of(&request)).filter(|token| !token.is_empty()).or(kept).unwrap_or_default();
    let current_user = match context.current_user().await {
        Ok(Some(current_user)) => current_user,
        Ok(None) => {
            let cookie = Token::from_link(&token).and_then(|token| state.cookies.set_confirmation(&token));
            let cookie = AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            return (cookie, to_sign_in(paths::EMAIL_CONFIRM)).into_response();
        }
        Err(cause) => return refuse(cause.into()),
    };
    let address = match context.auth().look_at_confirmation(&current_user, &token).await {
        Ok(address) => address.to_string(),
        Err(error) => return refuse(error.into()),
    };
    let user = current_user.user.view();
    let page = Page {
        title: "Confirm your address",
        status: StatusCode::OK,
        interactive: false,
        current_user: Some(user.clone()),
        told: None,
    };
    let body = move || {
        let (token, address, user) = (token.clone(), address.clone(), user.clone());
        view! { <ConfirmPage token address user /> }.into_any()
    };
    render(&state, request, page, body).await
}

/// Letters that would have been sent, on this machine only.
pub async fn mailbox(State(state): State<AppState>, request: Request) -> Response {
    let letters = match letters(&state, request.headers()).await {
        Ok(letters) => letters,
        Err(error) => return refuse(error),
    };
    let entries: Vec<_> = letters
        .into_iter()
        .map(|letter| MailboxEntry {
            to: letter.recipient,
            subject: letter.subject,
            lines: lines(&letter.text, state.public_url.origin()),
            sent_at: letter.sent_at.to_rfc3339(),
        })
        .collect();
    let page = Page {
        title: "Development mailbox",
        status: StatusCode::OK,
        interactive: false,
        current_user: None,
        told: None,
    };
    let body = move || view! { <MailboxPage letters=entries.clone() /> }.into_any();
    render(&state, request, page, body).await
}

/// A letter's lines; those that are addresses of this site can be followed.
fn lines(text: &str, origin: &str) -> Vec<Line> {
    let is_link = |line: &str| line.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'));
    let line = |line: &str| if is_link(line) { Line::Link(line.to_owned()) } else { Line::Words(line.to_owned()) };
    text.lines().map(line).collect()
}

#[derive(Serialize)]
struct MailboxJson {
    to: String,
    subject: String,
    text: String,
    html: String,
    sent_at: String,
}

/// The same for programs, newest first.
pub async fn mailbox_json(State(state): State<AppState>, request: Request) -> Response {
    let letters = match letters(&state, request.headers()).await {
        Ok(letters) => letters,
        Err(error) => return refuse(error),
    };
    let json = |letter: MailboxEmail| MailboxJson {
        to: letter.recipient,
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        sent_at: letter.sent_at.to_rfc3339(),
    };
    Json(letters.into_iter().map(json).collect::<Vec<_>>()).into_response()
}

async fn letters(state: &AppState, headers: &HeaderMap) -> Result<Vec<MailboxEmail>, ApiError> {
    if !state.mailbox.lets_in(headers) {
        return Err(ApiError::NotFound);
    }
    Ok(state.auth.store.mailbox(SHOWN).await?)
}
