use crate::types::ApiError;
use crate::types::views::{EmailSent, OneSession, Options, WebAuthnJson};
use leptos::server;
use server_fn::codec::Json;

/// Starts a reauthentication with a passkey of the account.
#[server(prefix = "/api", endpoint = "reauthenticate/start", input = Json, output = Json)]
pub async fn start_reauthentication() -> Result<Options, ApiError> {
    use crate::server::http::request::{RequestContext, send_cookies};

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let (caller, cookie) = request.caller_with_browser();
    let options = request.state.reauthentication().begin(&current_user, &caller).await?;
    send_cookies(cookie);
    Ok(options)
}

/// Finishes the reauthentication; the session continues with a new token.
#[server(prefix = "/api", endpoint = "reauthenticate/finish", input = Json, output = Json)]
pub async fn finish_reauthentication(credential: WebAuthnJson) -> Result<OneSession, ApiError> {
    use crate::server::auth::AuthenticationResponse;
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let answer = AuthenticationResponse::parse(&credential).map_err(crate::server::auth::Error::from)?;
    let current_user = request.current_user().await?;
    let renewed = request.state.reauthentication().finish(current_user.as_ref(), &answer, &request.caller()).await?;
    request.renewed(&renewed)
}

/// Requests an email for reauthentication, for accounts without a passkey.
#[server(prefix = "/api", endpoint = "reauthenticate/email", input = Json, output = Json)]
pub async fn request_reauthentication() -> Result<EmailSent, ApiError> {
    use crate::server::http::request::{RequestContext, answer_accepted};
    use crate::types::Next;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let life = request
        .state
        .reauthentication()
        .request_email(&current_user, &request.caller(), Next::or_account(None))
        .await?;
    answer_accepted();
    Ok(EmailSent { expires_in: life.as_secs() })
}

/// Reauthenticates with the code of the email.
#[server(prefix = "/api", endpoint = "reauthenticate/code", input = Json, output = Json)]
pub async fn reauthenticate_by_code(code: String) -> Result<OneSession, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let (renewed, _) = request.state.reauthentication().redeem_code(&current_user, &code, request.from()).await?;
    request.renewed(&renewed)
}

/// Reauthenticates with the link of the email.
#[server(prefix = "/api", endpoint = "reauthenticate/link", input = Json, output = Json)]
pub async fn reauthenticate_by_link(token: String) -> Result<OneSession, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let (renewed, _) = request.state.reauthentication().redeem_link(&current_user, &token, request.from()).await?;
    request.renewed(&renewed)
}
