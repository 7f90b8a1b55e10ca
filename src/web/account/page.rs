//! `GET /account`: the page, and what it shows.

use super::confirm::Kept;
use super::form::AccountForm;
use super::{confirm, signals};
use crate::server::Unavailable;
use crate::server::auth::{CurrentUser, Error, view as views};
use crate::server::http::RequestContext;
use crate::server::model::session::Method as SignInMethod;
use crate::server::model::{CredentialId, Event, EventId, EventKind, Passkey, Session, event};
use crate::types::{self, AccountAction, ApiError, Language, paths};
use crate::ui::pages::{AccountPage, AccountState, ActivityLine, Confirmation, Typed};
use crate::web::extract::query;
use crate::web::redirect::to_sign_in;
use crate::web::render::{Page, is_about_code, render, told};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// `GET /account`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let Some(current) = context.current_user().await? else { return Ok(to_sign_in(paths::ACCOUNT)) };
    let query: AccountQuery = query(&request);
    if query.step.as_deref() == Some("confirm") && !context.state.sessions().is_confined(&current) {
        return confirm_and_go_on(&context, request, current, query.next).await;
    }
    show(&context, request, &current, None).await
}

/// Asks the user to confirm their identity, unless that is done, and leads on to a page that wants it.
async fn confirm_and_go_on(
    context: &RequestContext,
    request: Request,
    current: CurrentUser,
    next: Option<String>,
) -> Result<Response, ApiError> {
    let next = types::Next::or_account(next.as_deref());
    match context.state.sessions().check_fresh(&current).await {
        Ok(()) => Ok(Redirect::to(next.as_str()).into_response()),
        Err(Error::Refused(ApiError::ReauthenticationRequired)) => {
            let action = Some(AccountAction::GoOn);
            let form = AccountForm { action, next: next.to_string(), ..AccountForm::default() };
            confirm::ask(context, request, &current, Kept { form, refusal: None }).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The account page of a user; with a form that was refused, what was typed in it comes back.
pub(super) async fn show(
    context: &RequestContext,
    request: Request,
    current: &CurrentUser,
    typed: Option<(Typed, StatusCode)>,
) -> Result<Response, ApiError> {
    let account = account_state(context, current, &query(&request)).await?.ok_or(ApiError::NotFound)?;
    let user = views::user(&current.user);
    let told = told(&context.state, &request, is_about_code);
    let (typed, status) = typed.map_or((None, StatusCode::OK), |(typed, status)| (Some(typed), status));
    let page = Page { status, told, ..Page::of(current, "Account").interactive() };
    let body = move || {
        let (user, account, typed) = (user.clone(), account.clone(), typed.clone());
        view! { <AccountPage user account refusal=told typed /> }.into_any()
    };
    Ok(render(&context.state, request, page, body).await)
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
    current: &CurrentUser,
    query: &AccountQuery,
) -> Result<Option<AccountState>, Unavailable> {
    let state = &context.state;
    let before = match query.before.as_deref().map(EventId::decode) {
        Some(None) => return Ok(None),
        Some(before) => before,
        None => None,
    };
    let Some(events) = state.activity().page(current.user.id, before).await? else { return Ok(None) };
    let (services, email) = (state.passkeys(), state.core().email());
    let (passkeys, sessions) = (services.list(current).await?, state.sessions().list(current).await?);
    Ok(Some(AccountState {
        accepted: accepted(context, current, &passkeys, query)?,
        details: signals::details(context, current)?,
        email_signs_in: services.email_signs_in(&current.user),
        sends_email: email.can_send(),
        recovery_codes: state.recovery_codes().count(current).await?,
        has_older_activity: events.len() == usize::try_from(event::PAGE).unwrap_or_default(),
        activity: events.iter().map(|event| line(event, context.language)).collect(),
        is_adding: query.step.as_deref() == Some("add") && services.can_add(current).await?,
        removed: query.removed.as_ref().and_then(|removed| opened_with(removed, current, &sessions)),
        passkeys: passkeys.iter().map(|passkey| services.view(current, passkey, &passkeys)).collect(),
        sessions: sessions.iter().map(|session| views::session(session, session.id == current.session.id)).collect(),
        usable_passkeys: passkeys.iter().filter(|passkey| passkey.is_usable(services.rp_id())).count(),
        offers_passkey: state.browsers().offers_passkey(current, context.known.as_ref(), &services).await?,
        confirmation: confirmation(context, current).await?,
        is_confined: state.sessions().is_confined(current),
        has_made_passkey: current.session.added_passkey,
    }))
}

/// What the device is told of the passkeys that sign in here; nothing, when there is nothing to tell.
fn accepted(
    context: &RequestContext,
    current: &CurrentUser,
    passkeys: &[Passkey],
    query: &AccountQuery,
) -> Result<String, Unavailable> {
    let services = context.state.passkeys();
    let usable = passkeys.iter().filter(|passkey| passkey.is_usable(services.rp_id()));
    let ids: Vec<_> = usable.map(|passkey| passkey.credential_id.encode()).collect();
    // An empty list has a device forget everything: only when the last passkey was just removed.
    if ids.is_empty() && query.removed.is_none() {
        return Ok(String::new());
    }
    signals::accepted(context, current, &ids)
}

/// The passkey that was just removed, and how many other sessions it opened that live on; `None` where there are none.
fn opened_with(removed: &str, current: &CurrentUser, sessions: &[Session]) -> Option<(String, usize)> {
    let method = SignInMethod::Passkey(CredentialId::decode(removed)?);
    let opened = sessions.iter().filter(|session| session.id != current.session.id && session.method == method);
    Some((removed.to_owned(), opened.count())).filter(|(_, count)| *count > 0)
}

/// What there is to do about the address.
async fn confirmation(context: &RequestContext, current: &CurrentUser) -> Result<Confirmation, Unavailable> {
    let (state, user) = (&context.state, &current.user);
    if let Some(address) = state.address().open_confirmation(current).await? {
        return Ok(Confirmation::WaitsForCode { address: address.to_string() });
    }
    let claimed = user.email.as_ref().filter(|_| !user.email_verified && state.core().email().can_send());
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
        client: event.client.view(),
        at: event.at.to_rfc3339(),
    }
}
