//! `/not-me` and `/email/undo`: the links of security notifications. They need no session.

use super::email_link::TokenQuery;
use super::extract::{form, query};
use super::render::{Page, render};
use crate::server::auth::Error;
use crate::server::http::RequestContext;
use crate::server::model::User;
use crate::server::model::notification::Notification;
use crate::types::ApiError;
use crate::ui::pages::{NotificationAction, NotificationDonePage, NotificationPage};
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};

/// `GET /not-me`.
pub async fn get_report(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let TokenQuery { token } = query(&request);
    let found = context.state.reports().peek_report(&token).await;
    ask_to_confirm(&context, request, PendingAction { action: NotificationAction::Report, token, found }).await
}

/// `GET /email/undo`.
pub async fn get_undo(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let TokenQuery { token } = query(&request);
    let found = context.state.reports().peek_undo(&token).await;
    ask_to_confirm(&context, request, PendingAction { action: NotificationAction::RestoreAddress, token, found }).await
}

/// `POST /not-me`.
pub async fn post_report(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (TokenQuery { token }, request) = form(request).await?;
    context.state.reports().report(&token).await?;
    Ok(done(&context, request, NotificationAction::Report).await)
}

/// `POST /email/undo`.
pub async fn post_undo(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (TokenQuery { token }, request) = form(request).await?;
    context.state.reports().undo_address(&token).await?;
    Ok(done(&context, request, NotificationAction::RestoreAddress).await)
}

/// The action of a notification link that waits for confirmation.
struct PendingAction {
    action: NotificationAction,
    token: String,
    found: Result<(Notification, User), Error>,
}

async fn ask_to_confirm(
    context: &RequestContext,
    request: Request,
    pending: PendingAction,
) -> Result<Response, ApiError> {
    let PendingAction { action, token, found } = pending;
    let (notification, user) = found?;
    let page = Page::new(action.heading()).seen_by(&context.state, context.current_user().await?.as_ref());
    let (username, address) = (user.username.to_string(), notification.address.to_string());
    let body = move || {
        let (token, username, address) = (token.clone(), username.clone(), address.clone());
        view! { <NotificationPage action token username address /> }.into_any()
    };
    Ok(render(&context.state, request, page, body).await)
}

async fn done(context: &RequestContext, request: Request, action: NotificationAction) -> Response {
    let body = move || view! { <NotificationDonePage action /> }.into_any();
    render(&context.state, request, Page { shown_once: true, ..Page::new("Done") }, body).await
}
