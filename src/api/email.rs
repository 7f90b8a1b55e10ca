use crate::types::ApiError;
use crate::types::views::{AccountUser, EmailSent, SignedIn};
use leptos::server;
use server_fn::codec::Json;

/// Requests an email to sign in with; the response is the same for every identifier.
#[server(prefix = "/api", endpoint = "email/start", input = Json, output = Json)]
pub async fn request_email(identifier: String, next: Option<String>) -> Result<EmailSent, ApiError> {
    use crate::server::http::request::{RequestContext, answer_accepted, send_cookies};
    use crate::types::Next;

    let request = RequestContext::current();
    let next = Next::or_account(next.as_deref());
    let requested = request.state.email_requests().request(&request.caller(), &identifier, next).await?;
    send_cookies(request.state.cookies.set_email(&requested));
    answer_accepted();
    Ok(EmailSent { expires_in: requested.life.as_secs() })
}

/// Signs in or up with the link of an email, in the browser that requested it.
#[server(prefix = "/api", endpoint = "email/link", input = Json, output = Json)]
pub async fn redeem_link(token: String, username: Option<String>) -> Result<SignedIn, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let (new, next) = request.state.email_sign_in().redeem_link(&token, username.as_deref(), &request.caller()).await?;
    request.signed_in(&new, &next)
}

/// Signs in or up with the code of the email that this browser requested last.
#[server(prefix = "/api", endpoint = "email/code", input = Json, output = Json)]
pub async fn redeem_code(code: String, username: Option<String>) -> Result<SignedIn, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let (new, next) = request.state.email_sign_in().redeem_code(&code, username.as_deref(), &request.caller()).await?;
    request.signed_in(&new, &next)
}

/// Confirms an address of the signed-in account, by the link, or by the code in the session that requested it.
#[server(prefix = "/api", endpoint = "account/email/confirm", input = Json, output = Json)]
pub async fn confirm_address(token: Option<String>, code: Option<String>) -> Result<AccountUser, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let user = match (token, code) {
        (Some(token), None) => request.state.address().confirm_by_link(&current_user, &token, request.from()).await?,
        (None, Some(code)) => request.state.address().confirm_by_code(&current_user, &code, request.from()).await?,
        (None, None) | (Some(_), Some(_)) => return Err(ApiError::BadRequest),
    };
    Ok(AccountUser { user: crate::server::auth::view::user(&user) })
}
