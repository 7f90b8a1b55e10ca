use super::extract::form;
use super::redirect;
use crate::server::http::RequestContext;
use crate::server::http::security_headers::clear_storage;
use crate::types::{ApiError, Next, Notice, paths};
use axum::extract::Request;
use axum::response::Response;
use serde::Deserialize;

#[derive(Default, Deserialize)]
struct SignOutForm {
    next: Option<String>,
}

/// `POST /sign-out`; programs may omit the form.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let form = form::<SignOutForm>(request).await.map(|(form, _)| form).unwrap_or_default();
    let next = form.next.as_deref().and_then(Next::own);
    let cookies = context.sign_out().await?.into_iter().chain(context.state.cookies.set_notice(Notice::SignedOut));
    let mut response = redirect::to(next.as_ref().map_or(paths::HOME, Next::as_str), cookies);
    clear_storage(response.headers_mut());
    Ok(response)
}
