//! Requests without a route: a file of the site, or the "not found" page.

use crate::server::http::AppState;
use crate::types::{ApiError, Next};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};

/// The longest file name, in bytes, that common file systems allow, less the extension of a compressed file.
const LONGEST_NAME: usize = 255 - ".br".len();

pub async fn file(State(state): State<AppState>, mut request: Request) -> Result<Response, ApiError> {
    // No file of ours has a longer name, and the file system would report an error.
    if request.uri().path().split('/').any(|name| name.len() > LONGEST_NAME) {
        return Err(ApiError::NotFound);
    }
    let without_slash = without_trailing_slash(request.uri());
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read {
        *request.method_mut() = Method::GET;
    }
    let response = state.files.serve(&state.leptos.site_pkg_dir, request).await;
    if !is_read {
        let is_file = response.status() != StatusCode::NOT_FOUND;
        return Err(if is_file { ApiError::MethodNotAllowed } else { ApiError::NotFound });
    }
    match (response.status(), without_slash) {
        (StatusCode::NOT_FOUND, Some(target)) => Ok(Redirect::permanent(&target).into_response()),
        (StatusCode::NOT_FOUND, None) => Err(ApiError::NotFound),
        _ => Ok(response),
    }
}

/// `/sign-in/?next=x` as `/sign-in?next=x`; `None` if the path does not end with a slash.
fn without_trailing_slash(address: &Uri) -> Option<String> {
    let path = address.path().strip_suffix('/').filter(|path| !path.is_empty())?;
    let query = address.query().map(|query| format!("?{query}")).unwrap_or_default();
    Next::own(&format!("{path}{query}")).map(|target| target.to_string())
}

pub async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
