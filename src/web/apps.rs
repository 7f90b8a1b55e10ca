//! `/apps`: the applications that the user may use, and the access that the user granted.

use super::extract::{SignedIn, form, query};
use super::redirect;
use super::render::{Page, render};
use crate::server::clock::Timestamp;
use crate::server::http::{AppState, RequestContext};
use crate::server::model::oauth::Scope;
use crate::server::model::{Application, ApplicationId};
use crate::server::oauth::apps::PAGE;
use crate::server::store::UserApplication;
use crate::types::{ApiError, Notice, paths};
use crate::ui::pages::{AppTile, AppsPage};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
struct AppsQuery {
    /// The last application of the previous page.
    after: Option<String>,
}

#[derive(Deserialize)]
struct AppsForm {
    #[serde(default)]
    action: String,
    #[serde(default)]
    application: String,
}

/// `GET /apps`.
pub async fn get(context: RequestContext, SignedIn(current): SignedIn, request: Request) -> Result<Response, ApiError> {
    let query: AppsQuery = query(&request);
    let after = query.after.as_deref().and_then(ApplicationId::parse);
    let page = context.state.user_applications().page(&current, after.as_ref()).await?;
    let is_full = page.len() == usize::try_from(PAGE).unwrap_or_default();
    let next = page.last().filter(|_| is_full).map(|last| format!("{}?after={}", paths::APPS, last.application.id));
    let tiles: Vec<_> = page.into_iter().map(tile).collect();
    let body = move || {
        let (tiles, next) = (tiles.clone(), next.clone());
        view! { <AppsPage tiles next /> }.into_any()
    };
    Ok(render(&context.state, request, Page::for_user(&current, "Apps"), body).await)
}

fn tile(found: UserApplication) -> AppTile {
    let shared_data = found.consent.map(|scopes| scopes.iter().filter_map(Scope::sentence).collect());
    AppTile {
        id: found.application.id.to_string(),
        name: found.application.name.to_string(),
        logo: address_of_logo(&found.application),
        url: found.application.url,
        since: found.since.map(Timestamp::to_rfc3339),
        used_at: found.used_at.map(Timestamp::to_rfc3339),
        has_access: found.has_access,
        shared_data,
    }
}

/// The address of an application's logo, if it has one.
pub(super) fn address_of_logo(application: &Application) -> Option<String> {
    application.logo.as_deref().map(|version| paths::app_logo(application.id.as_str(), version))
}

/// `GET /logos/ID?v=VERSION`: public, because the sign-in page shows the logo. Only pages know the version.
pub async fn logo(State(state): State<AppState>, Path(id): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let id = ApplicationId::parse(&id).ok_or(ApiError::NotFound)?;
    let version = uri.query().and_then(|query| query.strip_prefix("v=")).filter(|version| is_version(version));
    let logo = state.applications().logo(&id, version.ok_or(ApiError::NotFound)?).await?.ok_or(ApiError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(logo.kind().media_type())),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((headers, logo.content().to_vec()).into_response())
}

/// Whether a text could be the version of a logo. Databases reject some other texts.
fn is_version(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `POST /apps`: signs out of an application, or withdraws its access.
pub async fn post(
    context: RequestContext,
    SignedIn(current): SignedIn,
    request: Request,
) -> Result<Response, ApiError> {
    let (form, _) = form::<AppsForm>(request).await?;
    let id = ApplicationId::parse(&form.application).ok_or(ApiError::NotFound)?;
    let applications = context.state.user_applications();
    let notice = match form.action.as_str() {
        "sign-out" => {
            applications.sign_out(&current, &id).await?;
            Notice::ApplicationSignedOut
        }
        "withdraw" => {
            applications.withdraw(&current, &id).await?;
            Notice::ConsentWithdrawn
        }
        _ => return Err(ApiError::BadRequest),
    };
    Ok(redirect::with_notice(&context.state, paths::APPS, notice))
}
