use super::edge::{Cors, Edge, OriginRule};
use super::state::AppState;
use crate::types::ApiError;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses requests from origins that are not allowed, and answers CORS preflight requests (Fetch Standard, section
/// 3.2.2).
pub async fn check_origin(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let edge = Edge::from_extensions(request.extensions());
    if !admits(edge.origin, request.method(), provenance(request.headers(), state.public_url.origin())) {
        return ApiError::CrossOrigin.into_response();
    }
    let is_asked = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if edge.cors == Cors::AnySite && request.method() == Method::OPTIONS && is_asked {
        return (StatusCode::NO_CONTENT, PREFLIGHT_HEADERS).into_response();
    }
    next.run(request).await
}

const PREFLIGHT_HEADERS: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, dpop"),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];

fn admits(rule: OriginRule, method: &Method, provenance: Provenance) -> bool {
    match rule {
        OriginRule::Anywhere => true,
        OriginRule::NoOtherSite => provenance != Provenance::Foreign,
        OriginRule::OwnPages => match (method, provenance) {
            (&Method::GET | &Method::HEAD, _) | (_, Provenance::Own) => true,
            (method, Provenance::Unknown) => method != Method::POST,
            (_, Provenance::Foreign) => false,
        },
    }
}

/// The origin that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// `Origin` is ours, or `Sec-Fetch-Site` says that the request is not from another site.
    Own,
    /// Neither header is present: not a current browser.
    Unknown,
    Foreign,
}

/// Reads `Origin` (RFC 6454) and `Sec-Fetch-Site` (Fetch Metadata, section 2.3). One foreign value makes a request
/// foreign.
#[must_use]
pub fn provenance(headers: &HeaderMap, own_origin: &str) -> Provenance {
    let mut origins = headers.get_all(header::ORIGIN).iter().peekable();
    let mut sites = headers.get_all("sec-fetch-site").iter().peekable();
    let is_silent = origins.peek().is_none() && sites.peek().is_none();
    let is_own =
        origins.all(|origin| origin == own_origin) && sites.all(|site| site == "same-origin" || site == "none");
    match (is_silent, is_own) {
        (true, _) => Provenance::Unknown,
        (false, true) => Provenance::Own,
        (false, false) => Provenance::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_foreign_value_makes_a_request_foreign() {
        const OWN: &str = "https://id.example";
        let cases: [(&[(&'static str, &str)], Provenance); 9] = [
            (&[], Provenance::Unknown),
            (&[("origin", OWN)], Provenance::Own),
            (&[("sec-fetch-site", "same-origin")], Provenance::Own),
            (&[("sec-fetch-site", "none")], Provenance::Own),
            (&[("origin", OWN), ("sec-fetch-site", "cross-site")], Provenance::Foreign),
            (&[("origin", OWN), ("sec-fetch-site", "same-site")], Provenance::Foreign),
            (&[("origin", "null")], Provenance::Foreign),
            (&[("origin", "https://id.example:443")], Provenance::Foreign),
            (&[("origin", OWN), ("origin", "https://evil.example")], Provenance::Foreign),
        ];
        for (lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            assert_eq!(provenance(&headers, OWN), expected, "{lines:?}");
        }
    }
}
