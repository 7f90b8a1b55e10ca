//! The development mailbox: emails that would have been sent, on this machine only.

use super::render::{Page, render};
use crate::server::http::{AppState, RequestContext};
use crate::server::store::MailboxEmail;
use crate::types::ApiError;
use crate::ui::pages::{Line, MailboxEntry, MailboxPage};
use axum::Json;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use leptos::prelude::{IntoAny, view};
use serde::Serialize;

/// How many emails the mailbox shows.
const SHOWN: u32 = 50;

#[derive(Serialize)]
struct EmailJson {
    to: String,
    subject: String,
    text: String,
    html: String,
    sent_at: String,
}

/// `GET /dev/mailbox`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let state = &context.state;
    let entry = |email: MailboxEmail| MailboxEntry {
        to: email.recipient,
        subject: email.subject,
        lines: lines(&email.text, state.public_url.origin()),
        sent_at: email.sent_at.to_rfc3339(),
    };
    let entries: Vec<_> = emails(state, request.headers()).await?.into_iter().map(entry).collect();
    let body = move || view! { <MailboxPage emails=entries.clone() /> }.into_any();
    Ok(render(state, request, Page::new("Development mailbox").seen_by(context.current_user().await?.as_ref()), body)
        .await)
}

/// `GET /dev/mailbox.json`: the same for programs, newest first.
pub async fn get_json(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let json = |email: MailboxEmail| EmailJson {
        to: email.recipient,
        subject: email.subject,
        text: email.text,
        html: email.html,
        sent_at: email.sent_at.to_rfc3339(),
    };
    let emails = emails(&context.state, request.headers()).await?;
    Ok(Json(emails.into_iter().map(json).collect::<Vec<_>>()).into_response())
}

/// The lines of an email; those that are addresses of this site can be followed.
fn lines(text: &str, origin: &str) -> Vec<Line> {
    let is_link = |line: &str| line.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'));
    let line = |line: &str| if is_link(line) { Line::Link(line.to_owned()) } else { Line::Words(line.to_owned()) };
    text.lines().map(line).collect()
}

async fn emails(state: &AppState, headers: &HeaderMap) -> Result<Vec<MailboxEmail>, ApiError> {
    if !state.mailbox.lets_in(headers) {
        return Err(ApiError::NotFound);
    }
    Ok(state.core().mailbox(SHOWN).await?)
}
