use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;

use latchkey::server::http::AppState;
use latchkey::web::{Fresh, Page, render};

pub fn routes() -> Router<AppState> {
    Router::new().route("/vault", get(vault))
}

/// Shown to users who have used a passkey in the last ten minutes.
async fn vault(State(state): State<AppState>, Fresh(current_user): Fresh, request: Request) -> Response {
    let name = current_user.user.display_name.to_string();
    let body = move || {
        view! {
            <h1>"Vault"</h1>
            <p class="lead">{format!("Only {name} sees this.")}</p>
        }
        .into_any()
    };
    render(&state, request, Page::for_user(&current_user, "Vault"), body).await
}
