//! `/not-me` and `/email/undo`: the links of security notifications. They need no session.

use super::email_link::TokenQuery;
use super::extract::{form, query};
use super::render::{Page, render};
use crate::server::auth::Error;
use crate::server::http::RequestContext;
use crate::server::model::User;
use crate::server::model::notification::Notification;
use crate::types::ApiError;
use crate::ui::pages::{Answer, AnsweredPage, ReportPage};
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};

/// `GET /not-me`.
pub async fn get_report(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let TokenQuery { token } = query(&request);
    let found = context.state.reports().peek_report(&token).await;
    question(&context, request, Question { answer: Answer::NotMe, token, found }).await
}

/// `GET /email/undo`.
pub async fn get_undo(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let TokenQuery { token } = query(&request);
    let found = context.state.reports().peek_undo(&token).await;
    question(&context, request, Question { answer: Answer::Undo, token, found }).await
}

/// `POST /not-me`.
pub async fn post_report(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (TokenQuery { token }, request) = form(request).await?;
    context.state.reports().report(&token).await?;
    Ok(done(&context, request, Answer::NotMe).await)
}

/// `POST /email/undo`.
pub async fn post_undo(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (TokenQuery { token }, request) = form(request).await?;
    context.state.reports().undo_address(&token).await?;
    Ok(done(&context, request, Answer::Undo).await)
}

/// What a notification link does, and its account.
struct Question {
    answer: Answer,
    token: String,
    found: Result<(Notification, User), Error>,
}

async fn question(context: &RequestContext, request: Request, question: Question) -> Result<Response, ApiError> {
    let Question { answer, token, found } = question;
    let (notification, user) = found?;
    let page = Page::new("Your account").seen_by(context.current_user().await?.as_ref());
    let (username, address) = (user.username.to_string(), notification.address.to_string());
    let body = move || {
        let (token, username, address) = (token.clone(), username.clone(), address.clone());
        view! { <ReportPage answer token username address /> }.into_any()
    };
    Ok(render(&context.state, request, page, body).await)
}

async fn done(context: &RequestContext, request: Request, answer: Answer) -> Response {
    let body = move || view! { <AnsweredPage answer /> }.into_any();
    render(&context.state, request, Page::new("Done"), body).await
}
