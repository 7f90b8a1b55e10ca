use crate::types::ApiError;
use crate::types::views::{Revoked, SessionList};
use leptos::server;
use server_fn::codec::{GetUrl, Json};

/// The sessions of the signed-in account, most recently seen first.
#[server(prefix = "/api", endpoint = "sessions", input = GetUrl, output = Json)]
pub async fn sessions() -> Result<SessionList, ApiError> {
    use crate::server::auth::view;
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let sessions = request.state.sessions().list(&current_user).await?;
    Ok(SessionList {
        sessions: sessions
            .iter()
            .map(|session| view::session(session, session.id == current_user.session.id))
            .collect(),
    })
}

/// Revokes one session by its id, all others, or those that signed in with a passkey.
#[server(prefix = "/api", endpoint = "sessions/revoke", input = Json, output = Json)]
pub async fn revoke_sessions(
    id: Option<String>,
    others: Option<bool>,
    passkey: Option<String>,
) -> Result<Revoked, ApiError> {
    use crate::server::auth::Revocation;
    use crate::server::http::request::RequestContext;
    use crate::server::model::{CredentialId, SessionId};

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let which = match (id, others, passkey) {
        (Some(id), None, None) => SessionId::decode(&id).map(Revocation::One),
        (None, Some(true), None) => Some(Revocation::Others),
        (None, None, Some(id)) => CredentialId::decode(&id).map(Revocation::OfPasskey),
        _ => return Err(ApiError::BadRequest),
    };
    let revoked = request.state.sessions().revoke(&current_user, which.ok_or(ApiError::NotFound)?).await?;
    Ok(Revoked { revoked })
}
