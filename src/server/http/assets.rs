//! Serves the site's compiled files under a path that changes with their content, so that browsers can cache them.

use super::quality::preferences;
use crate::types::paths;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use axum_extra::TypedHeader;
use axum_extra::headers::{ETag, HeaderMapExt, IfNoneMatch};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use tower::ServiceExt;
use tower_http::services::ServeDir;

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const CACHE_REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
const VARIES: HeaderValue = HeaderValue::from_static("accept-encoding");

/// Where the site's files come from.
#[derive(Clone, Debug)]
pub enum SiteFiles {
    /// From a folder: during development and in tests.
    Folder(PathBuf),
    /// Embedded in the program.
    Embedded(EmbeddedFiles),
}

/// Files that are embedded in the program, each also compressed with Brotli (`.br`) and gzip (`.gz`).
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedFiles {
    get: fn(&str) -> Option<EmbeddedFile>,
    names: fn() -> Vec<Cow<'static, str>>,
}

impl EmbeddedFiles {
    #[must_use]
    pub fn of<Files: RustEmbed>() -> Self {
        Self { get: Files::get, names: || Files::iter().collect() }
    }
}

impl SiteFiles {
    /// The files in the folder that `LEPTOS_SITE_ROOT` names, as `cargo leptos watch` does, or else in `target/site`.
    #[must_use]
    pub fn in_folder() -> Self {
        Self::Folder(std::env::var_os("LEPTOS_SITE_ROOT").map_or_else(|| PathBuf::from("target/site"), PathBuf::from))
    }

    /// Whether the program should embed its files but was compiled without them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Embedded(files) if (files.names)().is_empty())
    }

    /// The folder of the compiled files in URLs, without the leading slash: `pkg/<version>`, or `pkg` while `cargo
    /// leptos watch` replaces files under a running server.
    #[must_use]
    pub fn versioned_folder(&self) -> String {
        let folder = paths::ASSETS.trim_start_matches('/');
        if is_watched() { folder.to_owned() } else { format!("{folder}/{}", self.version(folder)) }
    }

    /// A hash of the compiled files' names and content.
    fn version(&self, folder: &str) -> String {
        let mut parts = match self {
            Self::Folder(root) => hashes_in(&root.join(folder)),
            Self::Embedded(files) => files.hashes(folder),
        };
        parts.sort();
        let hash =
            parts.iter().fold(Sha256::new(), |hash, (name, content)| hash.chain_update(name).chain_update(content));
        URL_SAFE_NO_PAD.encode(&hash.finalize()[..9])
    }

    /// Serves a file of the site, or answers 404.
    ///
    /// Every version is served, because a page that was open during an upgrade requests the old one. Browsers may cache
    /// only the current version.
    pub async fn serve(&self, current: &str, mut request: Request) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let is_current = path.starts_with(&format!("/{current}/")) && !is_watched();
        if let Some(uri) = unversioned(&path) {
            *request.uri_mut() = uri;
        }
        let mut response = match self {
            Self::Folder(root) => from_folder(root, request).await,
            Self::Embedded(files) => files.answer(&request),
        };
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(header::VARY, VARIES);
            response.headers_mut().insert(header::CACHE_CONTROL, if is_current { FOREVER } else { CACHE_REVALIDATE });
        }
        response
    }
}

async fn from_folder(root: &Path, request: Request) -> Response<Body> {
    let files = ServeDir::new(root).append_index_html_on_directories(false).precompressed_br().precompressed_gzip();
    match files.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// The names of the files in a folder, with a hash of each.
fn hashes_in(folder: &Path) -> Vec<(String, [u8; 32])> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .map(|file| {
            let content = std::fs::read(file.path()).unwrap_or_default();
            (file.file_name().to_string_lossy().into_owned(), Sha256::digest(content).into())
        })
        .collect()
}

impl EmbeddedFiles {
    fn hashes(self, folder: &str) -> Vec<(String, [u8; 32])> {
        let named = |name: &str| {
            let (place, file) = name.split_once('/')?;
            let content = (self.get)(name)?.metadata.sha256_hash();
            (place == folder).then(|| (file.to_owned(), content))
        };
        (self.names)().iter().filter_map(|name| named(name)).collect()
    }

    /// The file in the smallest encoding that the browser accepts.
    fn answer(self, request: &Request) -> Response<Body> {
        let name = request.uri().path().trim_start_matches('/');
        let packed =
            [("br", ".br"), ("gzip", ".gz")].into_iter().filter(|(coding, _)| accepts(request.headers(), coding));
        let found = packed
            .filter_map(|(coding, end)| Some((Some(coding), (self.get)(&format!("{name}{end}"))?)))
            .chain((self.get)(name).map(|file| (None, file)))
            .next();
        let (Some((coding, file)), Some(kind)) = (found, kind(name)) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let tag = entity_tag(&file.metadata.sha256_hash());
        if is_cached(request.headers(), &tag) {
            return (StatusCode::NOT_MODIFIED, TypedHeader(tag)).into_response();
        }
        let coding = coding.map(|coding| [(header::CONTENT_ENCODING, coding)]);
        let content = match file.data {
            Cow::Borrowed(content) => Bytes::from_static(content),
            Cow::Owned(content) => Bytes::from(content),
        };
        (TypedHeader(tag), [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], coding.map(AppendHeaders), content)
            .into_response()
    }
}

/// The entity tag of content with this hash (RFC 9110, section 8.8.3).
///
/// # Panics
/// Never.
#[expect(clippy::expect_used, reason = "base64url in quotation marks is an entity tag")]
pub fn entity_tag(hash: &[u8]) -> ETag {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or(hash)));
    tag.parse().expect("an entity tag")
}

/// Whether the browser already has the content with this tag. The comparison is weak (RFC 9110, section 13.1.2),
/// because proxies that compress weaken tags.
pub fn is_cached(headers: &HeaderMap, tag: &ETag) -> bool {
    headers.typed_get::<IfNoneMatch>().is_some_and(|known| !known.precondition_passes(tag))
}

/// Whether the browser accepts this content coding (RFC 9110, section 12.5.3).
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let offers = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(preferences).any(|offer| offer.name.eq_ignore_ascii_case(coding) && offer.weight > 0)
}

/// The media type of a site file; `None` for other extensions.
fn kind(name: &str) -> Option<&'static str> {
    let file = name.rsplit('/').next()?;
    // Files without an extension are for apps, such as `apple-app-site-association`.
    Some(match file.rsplit_once('.').map_or("json", |(_, end)| end) {
        "json" => "application/json",
        "css" => "text/css",
        "js" => "text/javascript",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "txt" => "text/plain",
        _ => return None,
    })
}

/// `/pkg/<version>/<file>` as `/pkg/<file>`; `None` for anything else.
fn unversioned(path: &str) -> Option<axum::http::Uri> {
    let mut parts = path.strip_prefix(paths::ASSETS)?.strip_prefix('/')?.splitn(2, '/');
    let (_version, file) = (parts.next()?, parts.next()?);
    format!("{}/{file}", paths::ASSETS).parse().ok()
}

/// Whether the server runs under `cargo leptos watch`; its pages may then open the reload socket.
#[must_use]
pub fn is_watched() -> bool {
    std::env::var_os("LEPTOS_WATCH").is_some()
}
