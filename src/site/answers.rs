//! Answers to security letters: "that was not me", and the way back to a former address. They need no session.

use super::forms::read;
use super::letters::token_of;
use super::render::{Page, context, render};
use crate::server::auth::NotificationError;
use crate::server::http::AppState;
use crate::server::http::refusal::refuse;
use crate::server::model::User;
use crate::server::model::notification::Notification;
use crate::ui::pages::{Answer, AnswerPage, AnsweredPage};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

#[derive(Deserialize)]
struct TokenForm {
    #[serde(default)]
    token: String,
}

pub async fn not_me(State(state): State<AppState>, request: Request) -> Response {
    let token = token_of(&request);
    let looked = state.auth.look_at_not_me(&token).await;
    ask(&state, request, Answer::NotMe, token, looked).await
}

pub async fn undo(State(state): State<AppState>, request: Request) -> Response {
    let token = token_of(&request);
    let looked = state.auth.look_at_undo(&token).await;
    ask(&state, request, Answer::Undo, token, looked).await
}

pub async fn say_not_me(state: State<AppState>, request: Request) -> Response {
    answer(state, request, Answer::NotMe).await
}

pub async fn do_undo(state: State<AppState>, request: Request) -> Response {
    answer(state, request, Answer::Undo).await
}

fn page(title: &'static str) -> Page {
    Page { title, status: StatusCode::OK, interactive: false, current_user: None, told: None }
}

async fn ask(
    state: &AppState,
    request: Request,
    answer: Answer,
    token: String,
    looked: Result<(Notification, User), NotificationError>,
) -> Response {
    let (letter, user) = match looked {
        Ok(looked) => looked,
        Err(error) => return refuse(error.into()),
    };
    let current_user = match context(state, &request).current_user().await {
        Ok(current_user) => current_user.map(|current_user| current_user.user.view()),
        Err(cause) => return refuse(cause.into()),
    };
    let (username, address) = (user.username.to_string(), letter.address.to_string());
    let body = move || {
        let (token, username, address) = (token.clone(), username.clone(), address.clone());
        view! { <AnswerPage answer token username address /> }.into_any()
    };
    render(state, request, Page { current_user, ..page("Your account") }, body).await
}

async fn answer(State(state): State<AppState>, request: Request, answer: Answer) -> Response {
    let (form, request) = match read::<TokenForm>(request).await {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let done = match answer {
        Answer::NotMe => state.auth.not_me(&form.token).await,
        Answer::Undo => state.auth.undo_address(&form.token).await,
    };
    match done {
        Ok(()) => render(&state, request, page("Done"), move || view! { <AnsweredPage answer /> }.into_any()).await,
        Err(error) => refuse(error.into()),
    }
}
