use super::state::AppState;
use crate::types::paths;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// On localhost, sends a page that was asked for under another loopback name to `PUBLIC_URL`: a passkey made on
/// `127.0.0.1` would not work on `localhost`. The same with one that came to our proxy without encryption.
pub async fn redirect(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // The development mailbox is no page, and says nothing under another name (docs/API.md).
    let is_mailbox = request.uri().path().starts_with(paths::MAILBOX);
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD) && !is_mailbox;
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_elsewhere = state.public_url.is_localhost() && is_other_loopback(host, state.public_url.host());
    let is_plain = state.public_url.is_https() && state.proxies.says_plain(request.extensions(), request.headers());
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

/// Whether the header names this machine, by another name than the public one.
fn is_other_loopback(host: &str, public: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_address = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_name = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
    (is_address || is_name) && !name.eq_ignore_ascii_case(public)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_other_names_of_this_machine_are_sent_on() {
        for host in ["127.0.0.1:3000", "127.0.0.2", "[::1]:3000", "app.localhost:3000"] {
            assert!(is_other_loopback(host, "localhost"), "{host}");
        }
        for host in
            ["localhost:3000", "LOCALHOST", "localhost:8080", "example.org", "10.0.0.1", "", "127.0.0.1.evil.example"]
        {
            assert!(!is_other_loopback(host, "localhost"), "{host}");
        }
    }
}
