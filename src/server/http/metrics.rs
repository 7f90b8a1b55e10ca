//! `/metrics` for Prometheus, on a listener of its own (setting `METRICS_ADDR`).

use super::health::{TIMEOUT, answer_within};
use super::state::AppState;
use crate::server::telemetry::meters;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;

const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the metrics recorder; earlier values are lost.
///
/// # Errors
/// When this process has a recorder already.
pub fn start() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(&meters::BUCKETS)?.install_recorder()?;
    meters::describe();
    Ok(handle)
}

/// Aggregates samples even if there is no scraper, because otherwise every sample would be kept.
pub async fn aggregate_periodically(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

/// The router of the metrics listener.
pub fn router(state: AppState, handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(show)).with_state((state, handle))
}

async fn show(State((state, handle)): State<(AppState, PrometheusHandle)>) -> Response {
    let now = state.core().now();
    let (levels, ephemeral) = tokio::join!(
        answer_within("database", TIMEOUT, state.core().store.levels(now)),
        answer_within("ephemeral", TIMEOUT, state.core().ephemeral.ping()),
    );
    meters::levels(levels, ephemeral.is_some());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
}
