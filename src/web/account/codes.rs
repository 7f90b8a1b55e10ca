//! `/account/recovery-codes`: new recovery codes, shown once. Reloading the page makes no others.

use crate::server::auth::{CurrentUser, Holder};
use crate::server::http::{AppState, RequestContext};
use crate::server::model::Continuation;
use crate::types::{ApiError, paths};
use crate::ui::pages::RecoveryCodesPage;
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
    let found = match &context.browser {
        Some(browser) => {
            let holder = Holder::User { user: current.user.id, browser };
            context.state.continuations().take(&token, holder).await?
        }
        None => None,
    };
    match found {
        Some(Continuation::Codes(text)) => Ok(show(&context.state, request, &current, text).await),
        Some(Continuation::Account(_)) | None => Ok(redirect::to(paths::ACCOUNT, None)),
    }
}

/// Stores new codes for a moment and redirects to their page.
pub(super) async fn page_of(context: &RequestContext, current: &CurrentUser, text: &str) -> Result<Response, ApiError> {
    let (browser, cookie) = context.browser_or_new();
    let holder = Holder::User { user: current.user.id, browser: &browser };
    let continuation = Continuation::Codes(text.to_owned());
    let token = context.state.continuations().keep(&continuation, holder, context.from()).await?;
    Ok(redirect::to(&format!("{}?continue={}", paths::RECOVERY_CODES, token.encode()), cookie))
}

pub(super) async fn show(state: &AppState, request: Request, current: &CurrentUser, text: String) -> Response {
    let page = Page::of(current, "Recovery codes").interactive();
    let body = move || view! { <RecoveryCodesPage text=text.clone() /> }.into_any();
    render(state, request, page, body).await
}
