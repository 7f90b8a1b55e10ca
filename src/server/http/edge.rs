//! What stands at the door of a group of addresses. The groups and their edges are one table, in `router.rs`.

use super::media_type::media_type;
use crate::types::ApiError;
use axum::http::{Extensions, HeaderMap};

/// What a group asks of requests and adds to answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub origin: OriginRule,
    /// The types of the bodies that it reads; empty where it reads none.
    pub bodies: &'static [&'static str],
    pub cors: Cors,
    pub policy: Policy,
    /// Who reads its refusals.
    pub readers: Readers,
    /// Whether `limits::TABLE` counts what is sent to it.
    pub is_counted: bool,
}

/// Where requests may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginRule {
    /// What changes something comes from a page of ours and says so: forms need no scripts, so nothing else protects them.
    OwnPages,
    /// From no other site's page.
    NoOtherSite,
    /// From anywhere: who asks is known by something that no browser sends by itself.
    Anywhere,
}

/// Whether scripts of other sites may read answers (Fetch Standard, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    Never,
    /// Those of any site, without cookies.
    AnySite,
}

/// The content security policy of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// What our pages need.
    Page,
    /// Nothing is loaded and nothing is framed: no browser shows it.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever asks for HTML gets a page in the place of a refusal.
    People,
    Programs,
}

impl Edge {
    /// Of pages, and of all that no other group has.
    pub const PAGES: Self = Self {
        origin: OriginRule::OwnPages,
        bodies: &["application/x-www-form-urlencoded", "multipart/form-data"],
        cors: Cors::Never,
        policy: Policy::Page,
        readers: Readers::People,
        is_counted: true,
    };

    /// The edge of a request.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self::PAGES)
    }

    /// Whether it reads a body of this type.
    ///
    /// # Errors
    /// `unsupported_media_type`.
    pub fn check_body(self, headers: &HeaderMap) -> Result<(), ApiError> {
        let known = media_type(headers).filter(|found| self.bodies.contains(&found.as_str()));
        known.map(drop).ok_or(ApiError::UnsupportedMediaType)
    }
}
