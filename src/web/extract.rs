//! Extractors for handlers. A request that lacks something is answered before the handler runs.

use super::redirect::{as_query_value, to_sign_in};
use crate::server::auth::{CurrentUser, Error};
use crate::server::http::edge::Edge;
use crate::server::http::{AppState, RequestContext};
use crate::types::{ApiError, paths};
use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::de::DeserializeOwned;

/// A signed-in user. Visitors are redirected to sign-in, and back afterwards.
pub struct SignedIn(pub CurrentUser);

/// A signed-in user who authenticated in the last ten minutes, with a passkey or, without one, by email, as sensitive
/// actions require (docs/RULES.md, 8). Others are redirected to confirm their identity, and back afterwards.
pub struct Fresh(pub CurrentUser);

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let context = RequestContext::new(state, &parts.headers, &parts.extensions);
        match context.current_user().await {
            // The account page says what such a session may do.
            Ok(Some(current)) if state.sessions().is_confined(&current) && parts.method == Method::GET => {
                Err(Redirect::to(paths::ACCOUNT).into_response())
            }
            Ok(Some(current)) if state.sessions().is_confined(&current) => {
                Err(ApiError::ReauthenticationRequired.into_response())
            }
            Ok(Some(current)) => Ok(Self(current)),
            Ok(None) => Err(to_sign_in(&as_query_value(&parts.uri))),
            Err(cause) => Err(ApiError::from(cause).into_response()),
        }
    }
}

impl FromRequestParts<AppState> for Fresh {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let SignedIn(current) = SignedIn::from_request_parts(parts, state).await?;
        match state.sessions().check_fresh(&current).await {
            Ok(()) => Ok(Self(current)),
            Err(Error::Refused(ApiError::ReauthenticationRequired)) => {
                let confirm = format!("{}?next={}", paths::CONFIRM, as_query_value(&parts.uri));
                Err(Redirect::to(&confirm).into_response())
            }
            Err(error) => Err(ApiError::from(error).into_response()),
        }
    }
}

/// Reads a form; the rest of the request is needed to render a page.
pub(super) async fn form<T: DeserializeOwned>(request: Request) -> Result<(T, Request), ApiError> {
    Edge::from_extensions(request.extensions()).check_body(request.headers())?;
    let (parts, body) = request.into_parts();
    let rest = Request::from_parts(parts.clone(), Body::empty());
    match Form::<T>::from_request(Request::from_parts(parts, body), &()).await {
        Ok(Form(form)) => Ok((form, rest)),
        Err(rejection) => Err(match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::UnsupportedMediaType,
            _ => ApiError::BadRequest,
        }),
    }
}

/// Reads a query; an invalid one counts as empty.
pub(super) fn query<T: DeserializeOwned + Default>(request: &Request) -> T {
    Query::<T>::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default()
}
