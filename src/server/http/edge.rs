//! Request checks and response headers of each route group; `EDGES` in `router.rs` assigns them.

use super::media_type::media_type;
use crate::types::ApiError;
use axum::http::{Extensions, HeaderMap, header};

/// The checks of a route group, and the headers of its responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub origin: OriginRule,
    /// The accepted media types of request bodies; empty where no body is read.
    pub bodies: &'static [&'static str],
    pub cors: Cors,
    pub policy: Policy,
    /// The format of its errors.
    pub errors: ErrorFormat,
    /// Whether `limits::TABLE` applies to its requests.
    pub is_counted: bool,
    /// Whether a page that opened it in a new window keeps a reference to that window (HTML Standard, "cross-origin
    /// opener policies").
    pub keeps_opener: bool,
}

/// Which origins may send requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginRule {
    /// Unsafe methods need the `Origin` of this site. It is the only protection of forms, which work without scripts.
    OwnPages,
    /// No other origin; requests without an `Origin`, from programs, are accepted.
    NoOtherSite,
    /// Any origin: callers authenticate without cookies.
    Anywhere,
}

/// Whether scripts of other origins may read responses (Fetch Standard, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    Never,
    /// Any origin, without cookies.
    AnySite,
}

/// The content security policy of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The policy of pages.
    Page,
    /// The policy of pages with frames from this site.
    PageWithFrames,
    /// An email in a frame: its own styles, and no scripts.
    Email,
    /// A picture: its own styles, and no scripts.
    Picture,
    /// Blocks all resources and framing; for responses that no browser renders.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorFormat {
    /// An HTML page for requests that accept HTML, otherwise JSON.
    PageOrJson,
    Json,
    /// The error JSON of OAuth (RFC 6749, section 5.2).
    OAuth,
    /// An HTML page for requests that accept HTML, otherwise the error JSON of OAuth.
    PageOrOAuth,
}

impl Edge {
    /// The rules for pages, and the default.
    pub const PAGES: Self = Self {
        origin: OriginRule::OwnPages,
        bodies: &["application/x-www-form-urlencoded", "multipart/form-data"],
        cors: Cors::Never,
        policy: Policy::Page,
        errors: ErrorFormat::PageOrJson,
        is_counted: true,
        keeps_opener: false,
    };

    /// The rules for a request.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self::PAGES)
    }

    /// Checks the media type and the encoding of a body.
    ///
    /// # Errors
    /// `unsupported_media_type`.
    pub fn check_body(self, headers: &HeaderMap) -> Result<(), ApiError> {
        let known = media_type(headers).filter(|found| self.bodies.contains(&found.as_str()));
        // Compressed bodies are not supported.
        let is_plain = !headers.contains_key(header::CONTENT_ENCODING);
        known.filter(|_| is_plain).map(drop).ok_or(ApiError::UnsupportedMediaType)
    }
}
