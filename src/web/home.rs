use super::render::{Page, redirect_if_signed_in, render};
use crate::server::http::RequestContext;
use crate::types::{ApiError, paths};
use crate::ui::pages::HomePage;
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};

/// `GET /`. The home of a signed-in user is the account.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    match redirect_if_signed_in(&context, paths::ACCOUNT).await? {
        Some(account) => Ok(account),
        None => Ok(render(&context.state, request, Page::new("Home"), || view! { <HomePage /> }.into_any()).await),
    }
}
