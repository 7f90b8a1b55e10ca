use super::request::AppState;
use crate::server::Unavailable;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;

/// A backend that says nothing for so long is away, for whoever asks whether it is there.
pub const PATIENCE: Duration = Duration::from_millis(1_200);

#[derive(Serialize)]
struct Readiness {
    database: &'static str,
    ephemeral: &'static str,
}

/// 200 while the process lives.
pub async fn healthz() -> &'static str {
    "ok"
}

/// What a backend answers; `None` when it is away, or says nothing for too long, which is logged.
pub async fn in_time<T>(
    backend: &'static str,
    patience: Duration,
    asked: impl Future<Output = Result<T, Unavailable>>,
) -> Option<T> {
    match timeout(patience, asked).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(cause)) => {
            tracing::warn!(backend, %cause, "a backend is away");
            None
        }
        Err(_) => {
            tracing::warn!(backend, "a backend said nothing for {} ms", patience.as_millis());
            None
        }
    }
}

/// 200 while both backends answer, else 503; which one is away stands in the body.
pub async fn readyz(State(state): State<AppState>) -> Response {
    let (database, ephemeral) = tokio::join!(
        in_time("database", PATIENCE, state.auth.store.ping()),
        in_time("ephemeral", PATIENCE, state.auth.ephemeral.ping()),
    );
    let (database, ephemeral) = (database.is_some(), ephemeral.is_some());
    let is_ready = database && ephemeral;
    let word = |is_ok| if is_ok { "ok" } else { "away" };
    let readiness = Readiness { database: word(database), ephemeral: word(ephemeral) };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}
