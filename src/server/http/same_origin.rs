use super::state::AppState;
use crate::types::ApiError;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Where a request says it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// `Origin` is ours, or `Sec-Fetch-Site` says that it is no other site's.
    Own,
    /// Neither header is there: not a browser of this decade.
    Unknown,
    Foreign,
}

/// Reads `Origin` (RFC 6454) and `Sec-Fetch-Site` (Fetch Metadata, section 2.3); one foreign word is enough.
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

/// Refuses what comes from another site, and lets through what does not say.
pub async fn refuse_foreign(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match provenance(request.headers(), state.public_url.origin()) {
        Provenance::Foreign => ApiError::CrossOrigin.into_response(),
        Provenance::Own | Provenance::Unknown => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_foreign_word_is_enough() {
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
