//! The colour and the logo of whoever runs the site, where they set their own.

use super::refusal::refuse;
use super::request::AppState;
use crate::server::Unavailable;
use crate::server::config::{Accent, Brand};
use crate::types::ApiError;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// How long browsers go on without asking whether it is still the same.
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The files of a brand, read once at start.
#[derive(Clone, Debug, Default)]
pub struct BrandFiles {
    colours: Option<File>,
    logo: Option<File>,
}

#[derive(Clone, Debug)]
struct File {
    kind: HeaderValue,
    tag: HeaderValue,
    content: Arc<[u8]>,
}

impl BrandFiles {
    /// # Errors
    /// When the logo cannot be read.
    pub fn new(brand: &Brand) -> Result<Self, Unavailable> {
        let logo = brand.logo.as_deref().map(|path| {
            let failed = |cause| Unavailable::new("logo", format!("{}: {cause}", path.display()));
            let is_drawing = path.extension().is_some_and(|end| end == "svg");
            let kind = HeaderValue::from_static(if is_drawing { "image/svg+xml" } else { "image/png" });
            std::fs::read(path).map(|content| File::new(kind, content)).map_err(failed)
        });
        let css = HeaderValue::from_static("text/css; charset=utf-8");
        Ok(Self { colours: brand.accent.map(|accent| File::new(css, sheet(accent).into())), logo: logo.transpose()? })
    }

    #[must_use]
    pub fn has_colours(&self) -> bool {
        self.colours.is_some()
    }

    #[must_use]
    pub fn has_logo(&self) -> bool {
        self.logo.is_some()
    }
}

impl File {
    fn new(kind: HeaderValue, content: Vec<u8>) -> Self {
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(&content)[..9]));
        let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { kind, tag, content: content.into() }
    }
}

/// What it changes of the style sheet.
fn sheet(Accent { light, dark }: Accent) -> String {
    format!(":root{{--accent:light-dark({light},{dark})}}\n")
}

pub async fn colours(State(state): State<AppState>, headers: HeaderMap) -> Response {
    answer(state.brand.colours.as_ref(), &headers)
}

pub async fn logo(State(state): State<AppState>, headers: HeaderMap) -> Response {
    answer(state.brand.logo.as_ref(), &headers)
}

fn answer(file: Option<&File>, headers: &HeaderMap) -> Response {
    let Some(File { kind, tag, content }) = file else { return refuse(ApiError::NotFound) };
    let kept = [(header::CACHE_CONTROL, AN_HOUR), (header::ETAG, tag.clone())];
    if headers.get(header::IF_NONE_MATCH) == Some(tag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, kind.clone())], content.to_vec()).into_response()
}
