//! The security headers of every response.

use super::assets::is_watched;
use super::edge::{Cors, Edge, Policy};
use super::state::AppState;
use crate::types::paths;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 128 random bits that allow this response's own inline scripts, and no others (CSP Level 3, section 8).
#[derive(Clone, Debug)]
pub struct CspNonce(pub String);

/// Marks the page whose form posts the response to an application. Only this page may send a form to another site.
#[derive(Clone, Copy, Debug)]
pub struct FormPost;

/// Creates the nonce before the page is rendered and adds the headers afterwards.
pub async fn add(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let mut bytes = [0; 16];
    state.core().entropy.fill(&mut bytes);
    let nonce = CspNonce(URL_SAFE_NO_PAD.encode(bytes));
    request.extensions_mut().insert(nonce.clone());
    let (edge, referrer_policy) = (Edge::from_extensions(request.extensions()), referrer_policy(request.uri()));
    // Until the request is answered, a window that an application opened must be able to report the result to it.
    let keeps_opener = edge.keeps_opener || state.cookies.pending(request.headers()).is_some();
    let mut response = next.run(request).await;
    let is_form_post = response.extensions().get::<FormPost>().is_some();
    let form_action = if is_form_post { "" } else { "form-action 'self'; " };
    let policy = match edge.policy {
        Policy::Page => content_security_policy(&nonce, form_action, is_watched()),
        Policy::PageWithFrames => content_security_policy(&nonce, form_action, is_watched()) + "; frame-src 'self'",
        Policy::Email => EMAIL.to_owned(),
        Policy::Picture => PICTURE.to_owned(),
        Policy::Nothing => NOTHING.to_owned(),
    };
    let referrer_policy = if is_form_post { "strict-origin" } else { referrer_policy };
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer_policy));
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let opener = if keeps_opener { "unsafe-none" } else { "same-origin" };
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static(opener));
    if edge.cors == Cors::AnySite {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
    if state.public_url.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
    keep_out_of_caches(headers);
    response
}

const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// For an SVG that is opened directly.
const PICTURE: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

const EMAIL: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; \
                     form-action 'none'; sandbox allow-top-navigation-by-user-activation";

const ALWAYS: [(&str, &str); 4] = [
    ("reporting-endpoints", "csp=\"/csp-report\""),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "publickey-credentials-create=(self), publickey-credentials-get=(self), camera=(), geolocation=(), \
         microphone=(), payment=(), usb=()",
    ),
];

/// Clears the site's storage in the browser at sign-out (W3C, "Clear Site Data"). Cookies stay, because some must
/// outlive the session.
pub fn clear_storage(headers: &mut HeaderMap) {
    headers.insert("clear-site-data", HeaderValue::from_static("\"storage\""));
}

/// If the URL of a page contains a token, other sites learn at most our origin. Not `no-referrer`, which makes browsers
/// send `Origin: null` with forms, too.
fn referrer_policy(address: &Uri) -> &'static str {
    let path = address.path();
    let names_token = |query: &str| query.contains("invite=") || query.contains("continue=");
    let holds_token =
        path.starts_with(paths::EMAIL) || path == paths::NOT_ME || address.query().is_some_and(names_token);
    if holds_token { "strict-origin" } else { "same-origin" }
}

/// Any response may be personal, unless its handler sets `Cache-Control`.
fn keep_out_of_caches(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn content_security_policy(CspNonce(nonce): &CspNonce, form_action: &str, watched: bool) -> String {
    let reload = if watched { " ws://localhost:3001 ws://127.0.0.1:3001" } else { "" };
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
         connect-src 'self'{reload}; {form_action}frame-ancestors 'none'; base-uri 'none'; \
         report-uri {reports}; report-to csp",
        reports = paths::POLICY_REPORTS,
    )
}
