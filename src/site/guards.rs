//! Who may see a page, as arguments of its handler: whoever may not is answered before it runs.

use super::pages::to_sign_in;
use super::render::as_query_value;
use crate::server::auth::{CurrentUser, Denied};
use crate::server::http::refusal::refuse;
use crate::server::http::{AppState, RequestContext};
use crate::types::{ApiError, paths};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};

/// Somebody who is signed in. Strangers are led to sign in, and back.
pub struct SignedIn(pub CurrentUser);

/// Somebody who has shown a passkey in the last ten minutes (without a passkey: answered a letter), as for everything that
/// matters in the account (docs/RULES.md, 8). Others are asked who is there, and led back.
pub struct Fresh(pub CurrentUser);

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let context = RequestContext::new(state, &parts.headers, &parts.extensions);
        match context.current_user().await {
            Ok(Some(current_user)) if context.auth().is_confined(&current_user) => {
                Err(refuse(ApiError::ReauthenticationRequired))
            }
            Ok(Some(current_user)) => Ok(Self(current_user)),
            Ok(None) => Err(to_sign_in(&as_query_value(&parts.uri))),
            Err(cause) => Err(refuse(cause.into())),
        }
    }
}

impl FromRequestParts<AppState> for Fresh {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let SignedIn(current_user) = SignedIn::from_request_parts(parts, state).await?;
        match state.auth.check_acting(&current_user).await {
            Ok(()) => Ok(Self(current_user)),
            Err(Denied::ReauthenticationRequired) => {
                let asked = format!("{}?step=confirm&next={}", paths::ACCOUNT, as_query_value(&parts.uri));
                Err(Redirect::to(&asked).into_response())
            }
            Err(denied) => Err(refuse(denied.into())),
        }
    }
}
