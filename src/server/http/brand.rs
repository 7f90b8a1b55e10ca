//! Serves the colours and the logo that the administrator set.

use super::assets::{entity_tag, is_cached};
use crate::server::Unavailable;
use crate::server::config::{Brand, Tone};
use crate::types::ApiError;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::TypedHeader;
use axum_extra::headers::ETag;
use sha2::{Digest, Sha256};

/// How long browsers may use a file without revalidating it.
const CACHE_ONE_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The files of a brand, read once at startup.
#[derive(Clone, Debug, Default)]
pub struct BrandFiles {
    colours: Option<File>,
    logo: Option<File>,
}

#[derive(Clone, Debug)]
struct File {
    kind: HeaderValue,
    tag: ETag,
    content: Bytes,
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
        let tag = entity_tag(&Sha256::digest(&content));
        Self { kind, tag, content: content.into() }
    }
}

/// The CSS that overrides the accent colour.
fn sheet(Tone { light, dark }: Tone) -> String {
    format!(":root{{--accent:light-dark({light},{dark})}}\n")
}

#[expect(clippy::unused_async, reason = "a handler")]
pub async fn colours(State(brand): State<BrandFiles>, headers: HeaderMap) -> Response {
    answer(brand.colours.as_ref(), &headers)
}

#[expect(clippy::unused_async, reason = "a handler")]
pub async fn logo(State(brand): State<BrandFiles>, headers: HeaderMap) -> Response {
    answer(brand.logo.as_ref(), &headers)
}

fn answer(file: Option<&File>, headers: &HeaderMap) -> Response {
    let Some(File { kind, tag, content }) = file else { return ApiError::NotFound.into_response() };
    let kept = ([(header::CACHE_CONTROL, CACHE_ONE_HOUR)], TypedHeader(tag.clone()));
    if is_cached(headers, tag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, kind.clone())], content.clone()).into_response()
}
