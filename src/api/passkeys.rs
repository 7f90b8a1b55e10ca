use crate::types::ApiError;
use crate::types::views::{Done, OnePasskey, Options, PasskeyList, WebAuthnJson};
use leptos::server;
use server_fn::codec::{GetUrl, Json};

/// The passkeys of the signed-in account, the oldest first.
#[server(prefix = "/api", endpoint = "passkeys", input = GetUrl, output = Json)]
pub async fn passkeys() -> Result<PasskeyList, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let passkeys = request.state.passkeys().list(&current_user).await?;
    let view = |passkey| request.state.passkeys().view(&current_user, passkey, &passkeys);
    Ok(PasskeyList { passkeys: passkeys.iter().map(view).collect() })
}

/// Starts adding a passkey.
#[server(prefix = "/api", endpoint = "passkeys/start", input = Json, output = Json)]
pub async fn start_passkey() -> Result<Options, ApiError> {
    use crate::server::http::request::{RequestContext, send_cookies};

    let request = RequestContext::current();
    let current_user = request.require_session().await?;
    let (caller, cookie) = request.caller_with_browser();
    let options = request.state.passkeys().begin_add(&current_user, &caller).await?;
    send_cookies(cookie);
    Ok(options)
}

/// Finishes adding a passkey.
#[server(prefix = "/api", endpoint = "passkeys/finish", input = Json, output = Json)]
pub async fn finish_passkey(credential: WebAuthnJson, name: Option<String>) -> Result<OnePasskey, ApiError> {
    use crate::server::auth::RegistrationResponse;
    use crate::server::http::request::{RequestContext, raw};

    let request = RequestContext::current();
    let answer = RegistrationResponse::parse(&credential).map_err(crate::server::auth::Error::from)?;
    let taken = request.state.passkeys().take_ceremony(&request.caller(), &answer, name.as_deref()).await?;
    let current_user = request.require_session().await?;
    let passkey = request.state.passkeys().finish_add(&current_user, taken, &answer).await?;
    Ok(OnePasskey { passkey: raw(&passkey)? })
}

/// Renames a passkey.
#[server(prefix = "/api", endpoint = "passkeys/rename", input = Json, output = Json)]
pub async fn rename_passkey(id: String, name: String) -> Result<OnePasskey, ApiError> {
    use crate::server::http::request::{RequestContext, raw};

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let passkey = request.state.passkeys().rename(&current_user, &id, &name).await?;
    Ok(OnePasskey { passkey: raw(&passkey)? })
}

/// Removes a passkey, unless it is the last sign-in method.
#[server(prefix = "/api", endpoint = "passkeys/remove", input = Json, output = Json)]
pub async fn remove_passkey(id: String) -> Result<Done, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    request.state.passkeys().remove(&current_user, &id).await?;
    Ok(Done {})
}
