//! 303 answers, with cookies and with something to say on the next page.

use crate::server::auth::NewSession;
use crate::server::http::{AppState, RequestContext};
use crate::types::{ApiError, Next, Notice, paths};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use url::form_urlencoded::byte_serialize;

/// Leads on, with cookies.
pub(super) fn to(target: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    (set_cookies(cookies), Redirect::to(target)).into_response()
}

/// Leads on, with a notice on the next page.
pub(super) fn with_notice(state: &AppState, target: &str, notice: Notice) -> Response {
    to(target, state.cookies.set_notice(notice))
}

/// Leads on, with a refusal on the next page.
pub(super) fn with_refusal(state: &AppState, target: &str, refusal: ApiError) -> Response {
    with_notice(state, target, Notice::Refused(refusal))
}

/// Leads on in a new session.
pub(super) fn signed_in(context: &RequestContext, new: &NewSession, next: &Next) -> Response {
    to(next.as_str(), context.signed_in_cookies(new))
}

/// Sends a visitor to sign in, and back afterwards. `next` is a value of a query.
pub(super) fn to_sign_in(next: &str) -> Response {
    Redirect::to(&format!("{}?next={next}", paths::SIGN_IN)).into_response()
}

/// The sign-in page, on the way to somewhere.
pub(super) fn sign_in_for(next: &Next) -> String {
    if next.as_str() == paths::ACCOUNT {
        return paths::SIGN_IN.to_owned();
    }
    format!("{}?next={}", paths::SIGN_IN, byte_serialize(next.as_str().as_bytes()).collect::<String>())
}

/// Path and query of a page, as the value of a query.
pub(super) fn as_query_value(uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    byte_serialize(path.as_bytes()).collect()
}

/// Headers that set cookies, beside those that an answer has.
pub(super) fn set_cookies(
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> AppendHeaders<Vec<(header::HeaderName, HeaderValue)>> {
    AppendHeaders(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect())
}
