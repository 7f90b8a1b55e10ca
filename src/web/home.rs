use super::render::{Page, render};
use crate::server::http::RequestContext;
use crate::types::ApiError;
use crate::ui::pages::HomePage;
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};

/// `GET /`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let page = Page::new("Home").seen_by(context.current_user().await?.as_ref());
    let current_user = page.current_user.clone();
    let body = move || view! { <HomePage current_user=current_user.clone() /> }.into_any();
    Ok(render(&context.state, request, page, body).await)
}
