use crate::types::ApiError;
use crate::types::views::{Options, SignedIn, WebAuthnJson};
use leptos::server;
use server_fn::codec::Json;

/// Starts a sign-in; the options are the same for every user.
#[server(prefix = "/api", endpoint = "sign-in/start", input = Json, output = Json)]
pub async fn start_sign_in() -> Result<Options, ApiError> {
    use crate::server::http::request::{RequestContext, send_cookies};

    let request = RequestContext::current();
    let (caller, cookie) = request.caller_with_browser();
    let options = request.state.sign_in().begin(&caller).await?;
    send_cookies(cookie);
    Ok(options)
}

/// Finishes a sign-in with a passkey's response.
#[server(prefix = "/api", endpoint = "sign-in/finish", input = Json, output = Json)]
pub async fn finish_sign_in(
    credential: WebAuthnJson,
    next: Option<String>,
    keep: Option<bool>,
) -> Result<SignedIn, ApiError> {
    use crate::server::auth::AuthenticationResponse;
    use crate::server::http::request::RequestContext;
    use crate::types::Next;

    let request = RequestContext::current();
    let answer = AuthenticationResponse::parse(&credential).map_err(crate::server::auth::Error::from)?;
    let new = request.state.sign_in().finish(&answer, &request.caller(), keep.unwrap_or(false)).await?;
    request.signed_in(&new, &Next::or_account(next.as_deref()))
}
