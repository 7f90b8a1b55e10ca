//! Your pages: the place for what a fork adds. docs/FORK.md shows a page that only its signed-in visitors see.

use crate::server::http::AppState;
use axum::Router;

/// Routes beside our own, behind the same headers, limits of size and time, and log.
pub fn routes() -> Router<AppState> {
    Router::new()
}
