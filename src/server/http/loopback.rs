use super::state::AppState;
use crate::types::paths;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::headers::{HeaderMapExt, Host};

/// On localhost, redirects requests for another loopback name to `PUBLIC_URL`: a passkey created on `127.0.0.1` would not work
/// on `localhost`. Also redirects requests that reached a trusted proxy without encryption.
pub async fn redirect(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // The development mailbox answers 404 under another name (docs/API.md).
    let is_mailbox = request.uri().path().starts_with(paths::MAILBOX);
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD) && !is_mailbox;
    let is_other = |host: Host| is_other_loopback(host.hostname(), state.public_url.host());
    let is_elsewhere = state.public_url.is_localhost() && request.headers().typed_get().is_some_and(is_other);
    let is_plain = state.public_url.is_https() && state.proxies.reports_http(request.extensions(), request.headers());
    if !(is_page && (is_elsewhere || is_plain)) {
        return next.run(request).await;
    }
    if is_plain {
        state.proxies.warn_of_scheme();
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    match HeaderValue::from_str(&format!("{}{path}", state.public_url.origin())) {
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response(),
        Err(_) => next.run(request).await,
    }
}

/// Whether a host is a loopback name other than the public one.
fn is_other_loopback(host: &str, public: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let is_address = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_name = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
    (is_address || is_name) && !name.eq_ignore_ascii_case(public)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_other_loopback_names_are_redirected() {
        for host in ["127.0.0.1", "127.0.0.2", "[::1]", "app.localhost"] {
            assert!(is_other_loopback(host, "localhost"), "{host}");
        }
        for host in ["localhost", "LOCALHOST", "example.org", "10.0.0.1", "", "127.0.0.1.evil.example"] {
            assert!(!is_other_loopback(host, "localhost"), "{host}");
        }
    }
}
