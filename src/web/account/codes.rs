//! `/account/recovery-codes`: new recovery codes, shown once. Reloading the page makes no others.

use crate::server::auth::CurrentUser;
use crate::server::http::{AppState, RequestContext};
use crate::server::model::Continuation;
use crate::types::{ApiError, paths};
use crate::ui::pages::RecoveryCodesPage;
use crate::web::continuation::{keep, take};
use crate::web::extract::{SignedIn, query};
use crate::web::redirect;
use crate::web::render::{Page, render};
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
struct CodesQuery {
    #[serde(rename = "continue", default)]
    token: String,
}

/// `GET /account/recovery-codes`.
pub async fn get(context: RequestContext, SignedIn(current): SignedIn, request: Request) -> Result<Response, ApiError> {
    let CodesQuery { token } = query(&request);
    match take(&context, &current, &token).await? {
        Some(Continuation::Codes(text)) => Ok(show(&context.state, request, &current, text).await),
        Some(Continuation::Account(_)) | None => Ok(redirect::to(paths::ACCOUNT, None)),
    }
}

/// Stores new codes for a moment and redirects to their page.
pub(super) async fn page_of(context: &RequestContext, current: &CurrentUser, text: &str) -> Result<Response, ApiError> {
    let continuation = Continuation::Codes(text.to_owned());
    let (page, cookie) = keep(context, current, paths::RECOVERY_CODES, &continuation).await?;
    Ok(redirect::to(&page, cookie))
}

pub(super) async fn show(state: &AppState, request: Request, current: &CurrentUser, text: String) -> Response {
    let page = Page::of(current, "Recovery codes").interactive();
    let body = move || view! { <RecoveryCodesPage text=text.clone() /> }.into_any();
    render(state, request, page, body).await
}
