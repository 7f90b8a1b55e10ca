//! `GET /account`: the page, and what it shows.

use super::signals;
use crate::server::Unavailable;
use crate::server::auth::{CurrentUser, view as views};
use crate::server::http::RequestContext;
use crate::server::model::session::Method as SignInMethod;
use crate::server::model::{CredentialId, Event, EventId, EventKind, Passkey, Session, event};
use crate::types::{self, AccountForm, ApiError, Language, Notice, paths};
use crate::ui::pages::{AccountPage, AccountState, ActivityLine, Confirmation, Typed};
use crate::web::continuation::sent_before;
use crate::web::extract::query;
use crate::web::redirect::{as_query_value, to_sign_in, with_notice};
use crate::web::render::{Page, is_about_code, render, told};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// `GET /account`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let query: AccountQuery = query(&request);
    let Some(current) = context.current_user().await? else {
        let back = query.continuation.map(|_| as_query_value(request.uri()));
        return Ok(to_sign_in(back.as_deref().unwrap_or(paths::ACCOUNT)));
    };
    let sent_before = match &query.continuation {
        Some(token) => sent_before(&context, token).await?,
        None => None,
    };
    let note = "You were signed out before this was saved. Check your entry and save it again.";
    match sent_before {
        None => show(&context, request, &current, None).await,
        Some(form) => match typed(&form, note).filter(|_| !form.text().is_empty()) {
            Some(typed) => show(&context, request, &current, Some((typed, StatusCode::OK))).await,
            None => Ok(with_notice(&context.state, paths::ACCOUNT, Notice::Reauthenticated)),
        },
    }
}

/// A form as the account page shows it again, and what it says beside it.
pub(super) fn typed(form: &AccountForm, note: &'static str) -> Option<Typed> {
    Some(Typed { action: form.action?, id: form.id.clone(), text: form.text().to_owned(), note })
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

/// The query of the account page.
#[derive(Debug, Default, Deserialize)]
struct AccountQuery {
    step: Option<String>,
    /// The passkey that was just removed.
    removed: Option<String>,
    /// A form that was sent before its user signed in.
    #[serde(rename = "continue")]
    continuation: Option<String>,
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

/// The accepted passkeys for the device; `None` where there is nothing to signal.
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

/// Whether and how the address has to be confirmed.
async fn confirmation(context: &RequestContext, current: &CurrentUser) -> Result<Confirmation, Unavailable> {
    let (state, user) = (&context.state, &current.user);
    if let Some(address) = state.address().open_confirmation(current).await? {
        return Ok(Confirmation::WaitsForCode { address: address.to_string() });
    }
    let claimed = user.email.as_ref().filter(|_| !user.email_verified && state.core().email().can_send());
    Ok(claimed.map_or(Confirmation::NotNeeded, |address| Confirmation::Needed { address: address.to_string() }))
}

/// Details of the previous version, whose events live for 180 days, in the words of this one.
fn present_words(detail: &str) -> &str {
    match detail {
        "letter" => "email",
        "letter, in another browser" => "email, in another browser",
        "code of a letter" => "code from an email",
        "passkey, while the account is turned off" => "passkey, while the account was disabled",
        _ => detail,
    }
}

fn line(event: &Event, language: Language) -> ActivityLine {
    // Details of other kinds are what people typed.
    let is_ours = matches!(
        event.kind,
        EventKind::SignedUp | EventKind::SignedIn | EventKind::SignInRefused | EventKind::Reauthenticated
    );
    let in_words = |detail: &String| {
        if !is_ours {
            return detail.clone();
        }
        let present = present_words(detail);
        types::texts::look_up(present, language).unwrap_or(present).to_owned()
    };
    ActivityLine {
        id: event.id.0.to_string(),
        said: event.kind.sentence(),
        detail: event.detail.as_ref().map(in_words),
        client: event.client.view(),
        at: event.at.to_rfc3339(),
    }
}
