//! The sections of the account: `GET /account` and the pages below it.

use super::content::{self, AccountQuery};
use super::signals;
use crate::server::auth::{CurrentUser, view as views};
use crate::server::http::RequestContext;
use crate::types::{AccountForm, ApiError, Notice, Section, paths};
use crate::ui::pages::{AccountPage, ConfinedPage, RefusedForm};
use crate::web::continuation::sent_before;
use crate::web::extract::query;
use crate::web::redirect::{as_query_value, to, to_sign_in, with_notice, with_refusal};
use crate::web::render::{Page, at, field_refusal, is_about_code, render};
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use leptos::prelude::{IntoAny, view};

/// `GET` of a section.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let section = Section::from_path(request.uri().path()).ok_or(ApiError::NotFound)?;
    let query: AccountQuery = query(&request);
    let Some(current) = context.current_user().await? else {
        let keeps_query = query.continuation.is_some() || query.step.is_some();
        let back = keeps_query.then(|| as_query_value(request.uri()));
        return Ok(to_sign_in(back.as_deref().unwrap_or(section.path())));
    };
    // The former address, which may still be bookmarked.
    if section == Section::Overview && query.step.as_deref() == Some("add") {
        return Ok(to(paths::ADD_PASSKEY, None));
    }
    let wants_to_add = section == Section::Passkeys && query.step.as_deref() == Some("add");
    if wants_to_add && let Some(elsewhere) = redirect_unless_addable(&context, &current, request.uri()).await? {
        return Ok(elsewhere);
    }
    let sent_before = match &query.continuation {
        Some(token) => sent_before(&context, token).await?,
        None => None,
    };
    let note = "You were signed out before this was saved. Check your entry and save it again.";
    match sent_before {
        None => show(&context, request, &current, Shown { section, typed: None, status: StatusCode::OK }).await,
        Some(form) => match typed(&form, note).filter(|_| !form.text().is_empty()) {
            Some(typed) => show(&context, request, &current, Shown::again(typed, StatusCode::OK)).await,
            None => Ok(with_notice(&context.state, form.section().path(), Notice::Reauthenticated)),
        },
    }
}

/// The redirect for a user who may not add a passkey now; `None` if they may.
async fn redirect_unless_addable(
    context: &RequestContext,
    current: &CurrentUser,
    here: &Uri,
) -> Result<Option<Response>, ApiError> {
    match context.state.passkeys().check_can_add(current).await.map_err(ApiError::from) {
        Ok(()) => Ok(None),
        Err(ApiError::Unavailable) => Err(ApiError::Unavailable),
        Err(_) if context.state.sessions().is_confined(current) => Ok(None),
        Err(ApiError::ReauthenticationRequired) => {
            Ok(Some(to(&format!("{}?next={}", paths::CONFIRM, as_query_value(here)), None)))
        }
        Err(error) => Ok(Some(with_refusal(&context.state, Section::Passkeys.path(), error))),
    }
}

/// A form as the account page shows it again, with a note beside it.
pub(super) fn typed(form: &AccountForm, note: &'static str) -> Option<RefusedForm> {
    Some(RefusedForm { action: form.action?, id: form.id.clone(), text: form.text().to_owned(), note })
}

/// A section to show.
pub(super) struct Shown {
    pub section: Section,
    /// A refused form, whose text is shown again.
    pub typed: Option<RefusedForm>,
    pub status: StatusCode,
}

impl Shown {
    /// The section of a refused form.
    pub(super) fn again(typed: RefusedForm, status: StatusCode) -> Self {
        Self { section: typed.action.section(), typed: Some(typed), status }
    }
}

/// Shows a section to its user.
pub(super) async fn show(
    context: &RequestContext,
    request: Request,
    current: &CurrentUser,
    shown: Shown,
) -> Result<Response, ApiError> {
    if context.state.sessions().is_confined(current) {
        return confined(context, request, current).await;
    }
    let Shown { section, typed, status } = shown;
    let query: AccountQuery = query(&request);
    let (content, accepted) = content::load(context, current, section, &query).await?.ok_or(ApiError::NotFound)?;
    let signals = (accepted, signals::details(context, current)?);
    let user = views::user(&current.user);
    let field_refusal = field_refusal(&context.state, &request, is_about_code).filter(|_| content.has_code_field());
    // A refused form was posted to another address; a change of language must redirect to the section.
    let request = if request.uri().path() == section.path() { request } else { at(request, section.path()) };
    let page = Page {
        status,
        field_refusal,
        has_error: status != StatusCode::OK,
        ..Page::for_user(current, section.title()).interactive()
    };
    let body = move || {
        let (user, content, signals, typed) = (user.clone(), content.clone(), signals.clone(), typed.clone());
        view! { <AccountPage user content signals refusal=field_refusal typed /> }.into_any()
    };
    Ok(render(&context.state, request, page, body).await)
}

/// The account page of a session that may only create a passkey, at the address of the overview.
async fn confined(context: &RequestContext, request: Request, current: &CurrentUser) -> Result<Response, ApiError> {
    if request.uri().path() != paths::ACCOUNT {
        return Ok(to(paths::ACCOUNT, None));
    }
    let passkeys = context.state.passkeys();
    let offers_passkey = context.state.browsers().offers_passkey(current, context.known.as_ref(), &passkeys).await?;
    let signals =
        (content::accepted(context, current, &passkeys.list(current).await?)?, signals::details(context, current)?);
    let (user, has_created_passkey) = (views::user(&current.user), current.session.added_passkey);
    let body = move || {
        let (user, signals) = (user.clone(), signals.clone());
        view! { <ConfinedPage user offers_passkey has_created_passkey signals /> }.into_any()
    };
    let page = Page::new("Account").seen_by(&context.state, Some(current)).interactive();
    Ok(render(&context.state, request, page, body).await)
}
