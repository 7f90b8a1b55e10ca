use super::pages::refusal_page;
use super::render::context;
use crate::server::http::AppState;
use crate::types::paths;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

/// Signs out and leads to the start page; works without scripts.
pub async fn sign_out(State(state): State<AppState>, request: Request) -> Response {
    match context(&state, &request).sign_out().await {
        Ok(cookie) => {
            let cookie = AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            (cookie, Redirect::to(paths::HOME)).into_response()
        }
        Err(cause) => refusal_page(&state, request, cause.into()).await,
    }
}
