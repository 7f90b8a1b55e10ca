//! `/metrics` for Prometheus, on a listener of its own (setting `METRICS_ADDR`).

use super::request::AppState;
use crate::server::telemetry::meters;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;
use tokio::time::timeout;

/// A backend that says nothing for so long is away.
const PATIENCE: Duration = Duration::from_millis(1_200);

/// Begins to count; what is counted before is lost.
///
/// # Errors
/// When this process counts already.
pub fn start() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(&meters::BUCKETS)?.install_recorder()?;
    meters::describe();
    Ok(handle)
}

/// The one page of that listener.
pub fn router(state: AppState, handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(show)).with_state((state, handle))
}

async fn show(State((state, handle)): State<(AppState, PrometheusHandle)>) -> Response {
    let now = state.auth.clock.now();
    let (levels, ephemeral) =
        tokio::join!(timeout(PATIENCE, state.auth.store.levels(now)), timeout(PATIENCE, state.auth.ephemeral.ping()));
    meters::levels(levels.ok().and_then(Result::ok), matches!(ephemeral, Ok(Ok(()))));
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
}
