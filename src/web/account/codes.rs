//! `/account/recovery-codes`: the section, and new recovery codes, shown once. Reloading the page creates no others.

use super::page;
use crate::server::auth::CurrentUser;
use crate::server::http::{AppState, RequestContext};
use crate::server::model::Continuation;
use crate::types::{ApiError, Notice, Section};
use crate::ui::pages::{RecoveryCodesOwner, RecoveryCodesPage};
use crate::web::continuation::{keep, sent_before, take};
use crate::web::extract::query;
use crate::web::redirect;
use crate::web::render::{Page, render};
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
struct CodesQuery {
    #[serde(rename = "continue")]
    token: Option<String>,
}

/// `GET /account/recovery-codes`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let CodesQuery { token } = query(&request);
    let Some(token) = token else { return page::get(context, request).await };
    let Some(current) = context.current_user().await? else { return page::get(context, request).await };
    match take(&context, &current, &token).await? {
        Some(Continuation::Codes(text)) => Ok(show(&context.state, request, &current, text).await),
        Some(Continuation::Account(_) | Continuation::Application { .. }) => page::get(context, request).await,
        // A form that was sent before its user signed in.
        None if sent_before(&context, &token).await?.is_some() => page::get(context, request).await,
        // A reload.
        None => Ok(redirect::with_notice(&context.state, SECTION, Notice::CodesShown)),
    }
}

const SECTION: &str = Section::RecoveryCodes.path();

/// Stores new codes briefly and redirects to their page.
pub(super) async fn store_and_redirect(
    context: &RequestContext,
    current: &CurrentUser,
    text: &str,
) -> Result<Response, ApiError> {
    let continuation = Continuation::Codes(text.to_owned());
    let (page, cookie) = keep(context, current, SECTION, &continuation).await?;
    Ok(redirect::to(&page, cookie))
}

pub(super) async fn show(state: &AppState, request: Request, current: &CurrentUser, text: String) -> Response {
    let page = Page { shown_once: true, ..Page::for_user(current, "Recovery codes").interactive() };
    let owner = RecoveryCodesOwner {
        origin: state.public_url.origin().to_owned(),
        username: current.user.username.to_string(),
        created_at: state.core().now().to_rfc3339(),
    };
    let body = move || {
        let (text, owner) = (text.clone(), owner.clone());
        view! { <RecoveryCodesPage text owner /> }.into_any()
    };
    render(state, request, page, body).await
}
