//! 303 responses, with cookies and with a notice for the next page.

use crate::server::auth::NewSession;
use crate::server::http::{AppState, RequestContext};
use crate::types::{ApiError, Next, Notice, paths};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use url::form_urlencoded::byte_serialize;

/// Redirects, with cookies.
pub(super) fn to(target: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    (set_cookies(cookies), Redirect::to(target)).into_response()
}

/// Redirects, with a notice for the next page.
pub(super) fn with_notice(state: &AppState, target: &str, notice: Notice) -> Response {
    to(target, state.cookies.set_notice(notice))
}

/// Redirects, with a refusal for the next page.
pub(super) fn with_refusal(state: &AppState, target: &str, refusal: ApiError) -> Response {
    with_notice(state, target, Notice::Refused(refusal))
}

/// Redirects, in a new session.
pub(super) fn signed_in(context: &RequestContext, new: &NewSession, next: &Next) -> Response {
    to(next.as_str(), context.signed_in_cookies(new))
}

/// Redirects a visitor to sign-in, and back to `next` afterwards, which is encoded as a query value.
pub(super) fn to_sign_in(next: &str) -> Response {
    Redirect::to(&format!("{}?next={next}", paths::SIGN_IN)).into_response()
}

/// The address of the sign-in page that continues to `next`.
pub(super) fn sign_in_for(next: &Next) -> String {
    if next.as_str() == paths::ACCOUNT {
        return paths::SIGN_IN.to_owned();
    }
    format!("{}?next={}", paths::SIGN_IN, byte_serialize(next.as_str().as_bytes()).collect::<String>())
}

/// The path and query of a page, encoded as a query value.
pub(super) fn as_query_value(uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    byte_serialize(path.as_bytes()).collect()
}

/// Headers that set cookies, in addition to those of the response.
pub(super) fn set_cookies(
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> AppendHeaders<Vec<(header::HeaderName, HeaderValue)>> {
    AppendHeaders(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect())
}
