//! The compiled pages' files, under an address that changes with their content, so that browsers may keep them.

use super::security_headers::is_watched;
use crate::types::paths;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Response, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tower::ServiceExt;
use tower_http::services::ServeDir;

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const VARIES: HeaderValue = HeaderValue::from_static("accept-encoding");

/// Where the site's files are: where `LEPTOS_SITE_ROOT` says, beside the program, in the build folder it lies in, or in the one below this folder.
#[must_use]
pub fn site_root() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
    let named = std::env::var_os("LEPTOS_SITE_ROOT").map(PathBuf::from);
    let candidates =
        named.into_iter().chain(beside.into_iter().flat_map(|dir| [dir.join("site"), dir.join("../site")]));
    candidates.into_iter().find(|dir| dir.join("pkg").is_dir()).unwrap_or_else(|| PathBuf::from("target/site"))
}

/// The folder of the compiled files as a page names it, without the leading slash: `pkg/<version>`, or `pkg` while
/// `cargo leptos watch` swaps files under a running server.
#[must_use]
pub fn versioned_folder(site_root: &Path) -> String {
    let folder = paths::ASSETS.trim_start_matches('/');
    if is_watched() { folder.to_owned() } else { format!("{folder}/{}", version(&site_root.join(folder))) }
}

/// A hash of the files' names and content. Without files there is nothing to tell apart.
fn version(folder: &Path) -> String {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let hash = files.iter().fold(Sha256::new(), |hash, file| {
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        hash.chain_update(name).chain_update(std::fs::read(file).unwrap_or_default())
    });
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..9])
}

/// Serves a file of the site, or gives the request's answer as "not found".
///
/// Any version is answered, because a page that was open during an upgrade asks for the old one; only the current
/// version may be kept by browsers.
pub async fn serve(site_root: &str, current: &str, mut request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let is_current = path.starts_with(&format!("/{current}/")) && !is_watched();
    if let Some(uri) = unversioned(&path) {
        *request.uri_mut() = uri;
    }
    let files =
        ServeDir::new(site_root).append_index_html_on_directories(false).precompressed_br().precompressed_gzip();
    let mut response = match files.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    };
    if response.status().is_success() || response.status() == axum::http::StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(header::VARY, VARIES);
        response.headers_mut().insert(header::CACHE_CONTROL, if is_current { FOREVER } else { ASK_AGAIN });
    }
    response
}

/// `/pkg/<version>/<file>` as `/pkg/<file>`; `None` for anything else.
fn unversioned(path: &str) -> Option<axum::http::Uri> {
    let mut parts = path.strip_prefix(paths::ASSETS)?.strip_prefix('/')?.splitn(2, '/');
    let (_version, file) = (parts.next()?, parts.next()?);
    format!("{}/{file}", paths::ASSETS).parse().ok()
}
