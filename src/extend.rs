//! The extension point for forks. docs/FORK.md shows a page for signed-in users.

use crate::server::http::AppState;
use axum::Router;

/// Additional routes, behind the same headers, size and time limits, and request log.
pub fn routes() -> Router<AppState> {
    Router::new()
}
