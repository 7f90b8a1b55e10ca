//! The account page, and what it has to show.

use super::account_form::AccountForm;
use super::identity::ask_who_is_there;
use super::pages::to_sign_in;
use super::render::{Page, context, is_about_code, render, told};
use super::signals;
use crate::server::Unavailable;
use crate::server::auth::{CurrentUser, Denied};
use crate::server::http::refusal::refuse;
use crate::server::http::{AppState, RequestContext};
use crate::server::model::session::Method as SignInMethod;
use crate::server::model::{CredentialId, Event, EventId, EventKind, Passkey, Session, event};
use crate::types::{self, ApiError, Language, paths};
use crate::ui::pages::{AccountPage, AccountState, ActivityLine, Confirmation, Typed};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// `GET /account`.
pub async fn account(State(state): State<AppState>, request: Request) -> Response {
    let context = context(&state, &request);
    let current_user = match context.current_user().await {
        Ok(Some(current_user)) => current_user,
        Ok(None) => return to_sign_in(paths::ACCOUNT),
        Err(cause) => return refuse(cause.into()),
    };
    let query = Query::<AccountQuery>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default();
    if query.step.as_deref() == Some("confirm") && !state.auth.is_confined(&current_user) {
        return confirm_and_go_on(&state, &context, request, current_user, query.next).await;
    }
    account_page(&state, request, &context, &current_user, None).await
}

/// Asks who is there, unless that is known, and leads on to a page that wants to know.
async fn confirm_and_go_on(
    state: &AppState,
    context: &RequestContext,
    request: Request,
    current_user: CurrentUser,
    next: Option<String>,
) -> Response {
    let next = types::Next::or_account(next.as_deref());
    match state.auth.check_acting(&current_user).await {
        Ok(()) => Redirect::to(next.as_str()).into_response(),
        Err(Denied::ReauthenticationRequired) => {
            let form = AccountForm { action: "go-on".to_owned(), next: next.to_string(), ..AccountForm::default() };
            ask_who_is_there(state, context, request, current_user, form, None).await
        }
        Err(denied) => refuse(denied.into()),
    }
}

/// The account page of a visitor; with a form that was not done, what was typed in it comes back.
pub(super) async fn account_page(
    state: &AppState,
    request: Request,
    context: &RequestContext,
    current_user: &CurrentUser,
    typed: Option<(Typed, StatusCode)>,
) -> Response {
    let query = Query::<AccountQuery>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default();
    let account = match account_state(context, current_user, &query).await {
        Ok(Some(account)) => account,
        Ok(None) => return refuse(ApiError::NotFound),
        Err(cause) => return refuse(cause.into()),
    };
    let user = current_user.user.view();
    let told = told(state, &request, is_about_code);
    let (typed, status) = typed.map_or((None, StatusCode::OK), |(typed, status)| (Some(typed), status));
    let page = Page { title: "Account", status, interactive: true, current_user: Some(user.clone()), told };
    let body = move || {
        let (user, account, typed) = (user.clone(), account.clone(), typed.clone());
        view! { <AccountPage user account refusal=told typed /> }.into_any()
    };
    render(state, request, page, body).await
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
    current_user: &CurrentUser,
    query: &AccountQuery,
) -> Result<Option<AccountState>, Unavailable> {
    let auth = context.auth();
    let before = match query.before.as_deref().map(EventId::decode) {
        Some(None) => return Ok(None),
        Some(before) => before,
        None => None,
    };
    let Some(events) = auth.activity(current_user.user.id, before).await? else { return Ok(None) };
    let (passkeys, sessions) = (auth.store.passkeys(current_user.user.id).await?, auth.sessions(current_user).await?);
    Ok(Some(AccountState {
        accepted: accepted(context, current_user, &passkeys, query)?,
        details: signals::details(context, current_user)?,
        email_signs_in: auth.email_signs_in(&current_user.user),
        sends_email: auth.sends_email,
        recovery_codes: auth.store.count_recovery_codes(current_user.user.id).await?,
        has_older_activity: events.len() == usize::try_from(event::PAGE).unwrap_or_default(),
        activity: events.iter().map(|event| line(event, context.language)).collect(),
        is_adding: query.step.as_deref() == Some("add") && auth.can_add(current_user).await?,
        removed: query.removed.as_ref().and_then(|removed| opened_with(removed, current_user, &sessions)),
        passkeys: passkeys.iter().map(|passkey| auth.view_passkey(current_user, passkey, &passkeys)).collect(),
        sessions: sessions.iter().map(|session| session.view(session.id == current_user.session.id)).collect(),
        usable_passkeys: passkeys.iter().filter(|passkey| passkey.is_usable(auth.relying_party.id())).count(),
        offers_passkey: auth.offers_passkey(current_user, context.known.as_ref()).await?,
        confirmation: confirmation(context, current_user).await?,
        is_confined: auth.is_confined(current_user),
        has_made_passkey: current_user.session.added_passkey,
    }))
}

/// What the device is told of the passkeys that sign in here; nothing, when there is nothing to tell.
fn accepted(
    context: &RequestContext,
    current_user: &CurrentUser,
    passkeys: &[Passkey],
    query: &AccountQuery,
) -> Result<String, Unavailable> {
    let rp_id = context.auth().relying_party.id();
    let usable = passkeys.iter().filter(|passkey| passkey.is_usable(rp_id));
    let ids: Vec<_> = usable.map(|passkey| passkey.credential_id.encode()).collect();
    // An empty list has a device forget everything: only when the last passkey was just removed.
    if ids.is_empty() && query.removed.is_none() {
        return Ok(String::new());
    }
    signals::accepted(context, current_user, &ids)
}

/// The passkey that was just removed, and how many other sessions it opened that live on; `None` where there are none.
fn opened_with(removed: &str, current_user: &CurrentUser, sessions: &[Session]) -> Option<(String, usize)> {
    let method = SignInMethod::Passkey(CredentialId::decode(removed)?);
    let opened = sessions.iter().filter(|session| session.id != current_user.session.id && session.method == method);
    Some((removed.to_owned(), opened.count())).filter(|(_, count)| *count > 0)
}

/// What there is to do about the address.
async fn confirmation(context: &RequestContext, current_user: &CurrentUser) -> Result<Confirmation, Unavailable> {
    let (auth, user) = (context.auth(), &current_user.user);
    if let Some(address) = auth.open_confirmation(current_user).await? {
        return Ok(Confirmation::WaitsForCode { address: address.to_string() });
    }
    let claimed = user.email.as_ref().filter(|_| !user.email_verified && auth.sends_email);
    Ok(claimed.map_or(Confirmation::NotNeeded, |address| Confirmation::Needed { address: address.to_string() }))
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
