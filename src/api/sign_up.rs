use crate::types::ApiError;
use crate::types::views::{EmailSent, Options, SignedIn, WebAuthnJson};
use leptos::server;
use server_fn::codec::Json;

/// Starts a sign-up; reserves nothing. An address is required unless the site cannot send email.
#[server(prefix = "/api", endpoint = "sign-up/start", input = Json, output = Json)]
pub async fn start_sign_up(
    username: String,
    email: Option<String>,
    display_name: Option<String>,
    invite: Option<String>,
) -> Result<Options, ApiError> {
    use crate::server::auth::SignUpFields;
    use crate::server::http::request::{RequestContext, send_cookies};

    let request = RequestContext::current();
    let form = request.state.sign_up().parse(SignUpFields {
        username: &username,
        email: email.as_deref(),
        display_name: display_name.as_deref(),
        invite: invite.as_deref(),
    })?;
    let (caller, cookie) = request.caller_with_browser();
    let options = request.state.sign_up().begin(&caller, form).await?;
    send_cookies(cookie);
    Ok(options)
}

/// Finishes a sign-up with the new passkey and signs its owner in.
#[server(prefix = "/api", endpoint = "sign-up/finish", input = Json, output = Json)]
pub async fn finish_sign_up(credential: WebAuthnJson, keep: Option<bool>) -> Result<SignedIn, ApiError> {
    use crate::server::auth::RegistrationResponse;
    use crate::server::http::request::RequestContext;
    use crate::types::Notice;

    let request = RequestContext::current();
    let answer = RegistrationResponse::parse(&credential).map_err(crate::server::auth::Error::from)?;
    let new = request.state.sign_up().finish(&answer, &request.caller(), keep.unwrap_or(false)).await?;
    if new.user.email.is_some() && request.state.core().email().can_send() {
        request.send_notice(Notice::SignedUp);
    }
    request.signed_in(&new, &request.pending_next())
}

/// Signs up by email, for browsers that cannot create a passkey. The link or code of the email creates the account.
#[server(prefix = "/api", endpoint = "sign-up/email", input = Json, output = Json)]
pub async fn sign_up_by_email(
    username: String,
    email: String,
    display_name: Option<String>,
    invite: Option<String>,
) -> Result<EmailSent, ApiError> {
    use crate::server::auth::SignUpFields;
    use crate::server::http::request::{RequestContext, answer_accepted, send_cookies};

    let request = RequestContext::current();
    let fields = SignUpFields {
        username: &username,
        email: Some(&email),
        display_name: display_name.as_deref(),
        invite: invite.as_deref(),
    };
    let requested = request.request_sign_up(fields).await?;
    send_cookies(request.state.cookies.set_email(&requested));
    answer_accepted();
    Ok(EmailSent { expires_in: requested.life.as_secs() })
}
