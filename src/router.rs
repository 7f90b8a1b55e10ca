//! The one assembly of everything that answers requests.

use crate::server::http::{AppState, RequestContext, api_gate, health, loopback, security_headers, trace};
use crate::site;
use crate::types::paths;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use leptos::prelude::provide_context;
use tower_http::catch_panic::CatchPanicLayer;

/// Routes and, from the outside in: request log, security headers, panics, deadline.
pub fn router(state: AppState) -> Router {
    let api = Router::new()
        .route(&format!("{}/{{*path}}", paths::API), any(call))
        .route(paths::API, any(call))
        .route(&format!("{}/", paths::API), any(call))
        .layer(from_fn_with_state(state.clone(), api_gate::gate));
    let pages = Router::new()
        .route(paths::HOME, get(site::home))
        .route(paths::SIGN_UP, get(site::sign_up))
        .route(paths::SIGN_IN, get(site::sign_in))
        .route(paths::SIGN_OUT, post(site::sign_out))
        .route(paths::ACCOUNT, get(site::account))
        .fallback(site::other)
        .method_not_allowed_fallback(site::not_allowed)
        .layer(from_fn_with_state(state.clone(), site::guard_forms))
        .layer(from_fn_with_state(state.clone(), loopback::redirect));
    let health = Router::new().route(paths::HEALTH, get(health::healthz)).route(paths::READY, get(health::readyz));
    pages
        .merge(api)
        .merge(health)
        .layer(from_fn(trace::deadline))
        .layer(CatchPanicLayer::custom(trace::after_panic))
        .layer(from_fn_with_state(state.clone(), security_headers::add))
        .layer(from_fn_with_state(state.clone(), trace::log))
        .with_state(state)
}

/// Runs the server function of a path with the request's context.
async fn call(State(state): State<AppState>, request: Request) -> Response {
    let context = RequestContext::new(&state, request.headers());
    leptos_axum::handle_server_fns_with_context(move || provide_context(context.clone()), request).await.into_response()
}
