use crate::types::ApiError;
use crate::types::views::{Options, SignedIn, WebAuthnJson};
use leptos::server;
use server_fn::codec::Json;

/// Begins a sign-up; nothing is reserved by it.
#[server(prefix = "/api", endpoint = "sign-up/start", input = Json, output = Json)]
pub async fn start_sign_up(username: String, email: String, display_name: Option<String>) -> Result<Options, ApiError> {
    use crate::server::auth::SignUpForm;
    use crate::server::http::request::{RequestContext, send_cookie};

    let request = RequestContext::current();
    let form = SignUpForm::parse(&username, &email, display_name.as_deref())?;
    let (browser, cookie) = request.browser_or_new();
    let options = request.auth().begin_sign_up(&browser, form).await?;
    send_cookie(cookie);
    Ok(options)
}

/// Finishes a sign-up with the new passkey and signs its owner in.
#[server(prefix = "/api", endpoint = "sign-up/finish", input = Json, output = Json)]
pub async fn finish_sign_up(credential: WebAuthnJson, keep: Option<bool>) -> Result<SignedIn, ApiError> {
    use crate::server::auth::RegistrationAnswer;
    use crate::server::http::request::RequestContext;
    use crate::types::Next;

    let request = RequestContext::current();
    let answer = RegistrationAnswer::parse(&credential)?;
    let opened = request.auth().finish_sign_up(request.browser.as_ref(), &answer, request.arrival(keep)).await?;
    Ok(request.signed_in(&opened, &Next::or_account(None)))
}
