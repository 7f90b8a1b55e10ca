use super::request::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

#[derive(Serialize)]
struct Readiness {
    database: &'static str,
    ephemeral: &'static str,
}

/// 200 while the process lives.
pub async fn healthz() -> &'static str {
    "ok"
}

/// 200 while both backends answer, else 503; which one is away stands in the body.
pub async fn readyz(State(state): State<AppState>) -> Response {
    let (database, ephemeral) = tokio::join!(state.auth.store.ping(), state.auth.ephemeral.ping());
    let is_ready = database.is_ok() && ephemeral.is_ok();
    let word = |is_ok| if is_ok { "ok" } else { "away" };
    let readiness = Readiness { database: word(database.is_ok()), ephemeral: word(ephemeral.is_ok()) };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}
