//! The rate limit of each path that writes, in one table; a test checks that it is complete.

use super::edge::Edge;
use super::request::{CachedUser, RequestContext};
use super::state::AppState;
use crate::server::auth::CurrentUser;
use crate::server::core::Core;
use crate::server::limiter::{LimitError, Subject};
use crate::server::model::limit::{ACTS, ANSWERS, Limit};
use crate::types::{ApiError, paths};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How requests to a path are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// An action of the signed-in account, counted for the account.
    Act,
    /// An action that protects the account, counted for the session, so that a stolen session cannot use it up.
    Defence,
    /// Counted here, for the client.
    Client(&'static Limit),
    /// Counted by the service or page that handles it.
    Inside,
    /// Not counted: it works at most once per session or ceremony, and starting those is limited.
    Once,
}

/// Every path that writes, with its method.
pub const TABLE: &[(Method, &str, Charge)] = &[
    (Method::POST, "/api/sign-up/start", Charge::Inside),
    (Method::POST, "/api/sign-up/finish", Charge::Once),
    (Method::POST, "/api/sign-up/email", Charge::Inside),
    (Method::POST, "/api/sign-in/start", Charge::Inside),
    (Method::POST, "/api/sign-in/finish", Charge::Once),
    (Method::POST, "/api/email/start", Charge::Inside),
    (Method::POST, "/api/email/link", Charge::Inside),
    (Method::POST, "/api/email/code", Charge::Inside),
    (Method::POST, "/api/sign-out", Charge::Once),
    (Method::POST, "/api/sessions/revoke", Charge::Defence),
    (Method::POST, "/api/passkeys/start", Charge::Inside),
    (Method::POST, "/api/passkeys/finish", Charge::Act),
    (Method::POST, "/api/passkeys/rename", Charge::Act),
    (Method::POST, "/api/passkeys/remove", Charge::Defence),
    (Method::POST, "/api/reauthenticate/start", Charge::Inside),
    (Method::POST, "/api/reauthenticate/finish", Charge::Defence),
    (Method::POST, "/api/reauthenticate/email", Charge::Inside),
    (Method::POST, "/api/reauthenticate/code", Charge::Inside),
    (Method::POST, "/api/reauthenticate/link", Charge::Inside),
    (Method::POST, "/api/account/update", Charge::Act),
    (Method::POST, "/api/account/email", Charge::Act),
    (Method::POST, "/api/account/email/confirm", Charge::Inside),
    (Method::POST, "/api/account/email/undo", Charge::Client(&ANSWERS)),
    (Method::POST, "/api/account/not-me", Charge::Client(&ANSWERS)),
    (Method::GET, "/api/account/export", Charge::Act),
    (Method::POST, "/api/account/delete", Charge::Act),
    (Method::POST, "/api/recovery/codes", Charge::Act),
    (Method::POST, "/api/recovery/use", Charge::Inside),
    (Method::POST, paths::SIGN_UP, Charge::Inside),
    (Method::POST, paths::SIGN_IN, Charge::Inside),
    (Method::POST, paths::SIGN_OUT, Charge::Once),
    (Method::POST, paths::ACCOUNT, Charge::Inside),
    (Method::POST, paths::CONFIRM, Charge::Defence),
    (Method::POST, paths::EMAIL_LINK, Charge::Inside),
    (Method::POST, paths::EMAIL_CONFIRM, Charge::Inside),
    (Method::POST, paths::EMAIL_UNDO, Charge::Client(&ANSWERS)),
    (Method::POST, paths::NOT_ME, Charge::Client(&ANSWERS)),
    (Method::POST, paths::LANGUAGE, Charge::Act),
    (Method::POST, paths::APPS, Charge::Defence),
    (Method::POST, paths::AUTHORIZE, Charge::Inside),
    (Method::POST, paths::AUTHORIZE_SLASH, Charge::Inside),
    (Method::POST, paths::CONTINUE_REQUEST, Charge::Once),
    (Method::POST, paths::LOGOUT, Charge::Inside),
    (Method::POST, paths::SIGN_OUT_REQUEST, Charge::Once),
    (Method::POST, paths::TOKEN, Charge::Inside),
    (Method::POST, paths::USERINFO, Charge::Inside),
    (Method::POST, paths::INTROSPECT, Charge::Inside),
    (Method::POST, paths::REVOKE, Charge::Inside),
    (Method::POST, paths::POLICY_REPORTS, Charge::Inside),
];

/// How a path is counted. A POST to a path that is not in the table, such as one that a fork added, counts as an action
/// of the account.
fn counted_by(method: &Method, path: &str) -> Option<Charge> {
    let is_named = |address: &str| match address.strip_suffix("{request}") {
        Some(folder) => path.starts_with(folder),
        None => address == path,
    };
    let named = TABLE.iter().find(|(known, address, _)| known == method && is_named(address));
    named.map(|(.., charge)| *charge).or_else(|| (*method == Method::POST).then_some(Charge::Act))
}

/// How long a request waits for its count. After that it proceeds uncounted: signed-in users do not need Redis, and
/// links in emails cannot be guessed.
const TIMEOUT: Duration = Duration::from_millis(300);

/// Counts requests as [`TABLE`] says, and refuses those beyond a limit.
pub async fn charge(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let charge = counted_by(request.method(), request.uri().path());
    let counted = match charge.filter(|_| Edge::from_extensions(request.extensions()).is_counted) {
        Some(charge @ (Charge::Act | Charge::Defence)) => {
            count_user_action(&state, &mut request, charge == Charge::Defence).await
        }
        Some(Charge::Client(limit)) => {
            let client = state.proxies.client(request.extensions(), request.headers());
            count(state.core(), limit, Subject::Client(client)).await
        }
        Some(Charge::Inside | Charge::Once) | None => Ok(()),
    };
    match counted {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// A request without a session is not counted; its handler refuses it.
async fn count_user_action(state: &AppState, request: &mut Request, defends: bool) -> Result<(), ApiError> {
    let context = RequestContext::new(state, request.headers(), request.extensions());
    let Some(current_user) = context.current_user().await? else { return Ok(()) };
    count_action(state.core(), &current_user, defends).await?;
    request.extensions_mut().insert(CachedUser(Arc::new(current_user)));
    Ok(())
}

/// Counts one action of a signed-in user: for the account, or for the session if it protects the account.
///
/// # Errors
/// When the limit is exceeded.
pub async fn count_action(core: &Core, current_user: &CurrentUser, defends: bool) -> Result<(), ApiError> {
    let (account, session) =
        ([current_user.user.id.0.as_bytes().as_slice()], current_user.session.id.0.as_bytes().as_slice());
    let defence = [b"defence".as_slice(), session];
    count(core, &ACTS, Subject::Named(if defends { &defence } else { &account })).await
}

/// Counts an action, which proceeds if counting fails.
///
/// # Errors
/// When the limit is exceeded.
pub async fn count(core: &Core, limit: &Limit, subject: Subject<'_>) -> Result<(), ApiError> {
    match timeout(TIMEOUT, core.limiter.draw(limit, subject)).await {
        Ok(Err(error @ LimitError::TooMany(_))) => Err(error.into()),
        Ok(Err(LimitError::Unavailable(cause))) => {
            tracing::warn!(limit = limit.name, %cause, "request not counted");
            Ok(())
        }
        Ok(Ok(())) | Err(_) => Ok(()),
    }
}
