//! The development mailbox: emails that would have been sent, on this machine only.

use super::extract::query;
use super::render::{Page, render};
use crate::server::http::{AppState, RequestContext};
use crate::server::store::MailboxEmail;
use crate::types::ApiError;
use crate::ui::pages::{Line, MailboxItem, MailboxPage, OpenEmail};
use axum::Json;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use leptos::prelude::{IntoAny, view};
use serde::{Deserialize, Serialize};

/// How many emails the mailbox shows.
const SHOWN: u32 = 50;

#[derive(Debug, Default, Deserialize)]
struct MailboxQuery {
    /// The id of the email to open; the newest by default.
    #[serde(default)]
    email: String,
}

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
    let MailboxQuery { email: chosen } = query(&request);
    let emails = emails(state, request.headers()).await?;
    let open = emails.iter().find(|email| id(email) == chosen).or(emails.first());
    let open = open.map(|email| OpenEmail { id: id(email), lines: lines(&email.text, state.public_url.origin()) });
    let item = |email: MailboxEmail| MailboxItem {
        id: id(&email),
        to: email.recipient,
        subject: email.subject,
        sent_at: email.sent_at.to_rfc3339(),
    };
    let items: Vec<_> = emails.into_iter().map(item).collect();
    let body = move || {
        let (emails, open) = (items.clone(), open.clone());
        view! { <MailboxPage emails open /> }.into_any()
    };
    let page = Page::new("Development mailbox").seen_by(state, context.current_user().await?.as_ref());
    Ok(render(state, request, page, body).await)
}

/// `GET /dev/mailbox/html`: the HTML of one email, for the frame of the page.
pub async fn get_html(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let MailboxQuery { email: chosen } = query(&request);
    let emails = emails(&context.state, request.headers()).await?;
    let email = emails.into_iter().find(|email| id(email) == chosen).ok_or(ApiError::NotFound)?;
    // Links open in the window, not in the frame.
    Ok(Html(email.html.replacen("<head>", "<head><base target=\"_top\">", 1)).into_response())
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

fn id(email: &MailboxEmail) -> String {
    email.id.0.to_string()
}

/// The lines of an email; addresses of this site become links.
fn lines(text: &str, origin: &str) -> Vec<Line> {
    let is_link = |line: &str| line.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'));
    let line = |line: &str| if is_link(line) { Line::Link(line.to_owned()) } else { Line::Words(line.to_owned()) };
    text.lines().map(line).collect()
}

async fn emails(state: &AppState, headers: &HeaderMap) -> Result<Vec<MailboxEmail>, ApiError> {
    if !state.mailbox.allows(headers) {
        return Err(ApiError::NotFound);
    }
    Ok(state.core().mailbox(SHOWN).await?)
}
