//! Reads the whole body before anything else happens, so that a slow client is not mistaken for a slow backend.

use crate::types::ApiError;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::headers::{ContentLength, HeaderMapExt};
use http_body_util::BodyExt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::timeout;

/// Maximum size of a request body, in bytes (docs/API.md).
pub const MAX_BODY: usize = 64 * 1024;
/// How much of an oversized body is read, so that the error reaches the client.
const MAX_DRAINED: usize = 1024 * 1024;
/// Timeout for reading the body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A copy of the request's body, for a layer outside [`buffer_body`] that puts it in the extensions; empty until the body
/// was read.
#[derive(Clone, Debug, Default)]
pub struct BodyCopy(Arc<OnceLock<Bytes>>);

impl BodyCopy {
    /// The body, once it was read as a whole.
    #[must_use]
    pub fn get(&self) -> Option<&Bytes> {
        self.0.get()
    }
}

/// Passes on the request with its whole body, or refuses it.
pub async fn buffer_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if parts.headers.typed_get::<ContentLength>().is_some_and(|announced| announced.0 > MAX_DRAINED as u64) {
        return ApiError::TooLarge.into_response();
    }
    match timeout(TIMEOUT, read(body)).await {
        Ok(Ok(body)) => {
            let body = Bytes::from(body);
            if let Some(BodyCopy(copy)) = parts.extensions.get() {
                let _ = copy.set(body.clone());
            }
            next.run(Request::from_parts(parts, Body::from(body))).await
        }
        Ok(Err(error)) => error.into_response(),
        Err(_) => ApiError::BadRequest.into_response(),
    }
}

async fn read(mut body: Body) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::BadRequest)?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(&data);
        } else if length > MAX_DRAINED {
            break;
        }
    }
    if length > MAX_BODY { Err(ApiError::TooLarge) } else { Ok(bytes) }
}
