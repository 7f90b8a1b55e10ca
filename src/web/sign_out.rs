use super::redirect;
use crate::server::http::RequestContext;
use crate::server::http::security_headers::clear_storage;
use crate::types::{ApiError, Notice, paths};
use axum::response::Response;

/// `POST /sign-out`.
pub async fn post(context: RequestContext) -> Result<Response, ApiError> {
    let cookies = context.sign_out().await?.into_iter().chain(context.state.cookies.set_notice(Notice::SignedOut));
    let mut response = redirect::to(paths::HOME, cookies);
    clear_storage(response.headers_mut());
    Ok(response)
}
