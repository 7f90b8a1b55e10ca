use crate::types::ApiError;
use crate::types::views::{AccountUser, Done, EmailSent, EventList};
use leptos::server;
use serde_json::value::RawValue;
use server_fn::codec::{GetUrl, Json};

/// Changes the display name, the username, or both.
#[server(prefix = "/api", endpoint = "account/update", input = Json, output = Json)]
pub async fn update_profile(display_name: Option<String>, username: Option<String>) -> Result<AccountUser, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let user = request.state.profile().update(&current_user, display_name.as_deref(), username.as_deref()).await?;
    Ok(AccountUser { user: crate::server::auth::view::user(&user) })
}

/// Requests a change of address, which takes effect once the new address is confirmed.
#[server(prefix = "/api", endpoint = "account/email", input = Json, output = Json)]
pub async fn change_address(email: String) -> Result<EmailSent, ApiError> {
    use crate::server::http::request::{RequestContext, answer_accepted};

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let life = request.state.address().change(&current_user, &request.caller(), &email).await?;
    answer_accepted();
    Ok(EmailSent { expires_in: life.as_secs() })
}

/// Restores a former address, with the token of the email that was sent to it.
#[server(prefix = "/api", endpoint = "account/email/undo", input = Json, output = Json)]
pub async fn undo_address(token: String) -> Result<Done, ApiError> {
    use crate::server::http::request::RequestContext;

    RequestContext::current().state.reports().undo_address(&token).await?;
    Ok(Done {})
}

/// Secures the account, with the token of a security notification.
#[server(prefix = "/api", endpoint = "account/not-me", input = Json, output = Json)]
pub async fn not_me(token: String) -> Result<Done, ApiError> {
    use crate::server::http::request::RequestContext;

    RequestContext::current().state.reports().report(&token).await?;
    Ok(Done {})
}

/// A page of the activity, newest first.
#[server(prefix = "/api", endpoint = "account/events", input = GetUrl, output = Json)]
pub async fn events(before: Option<String>) -> Result<EventList, ApiError> {
    use crate::server::auth::view;
    use crate::server::http::request::RequestContext;
    use crate::server::model::EventId;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let before = before.map(|text| EventId::decode(&text).ok_or(ApiError::BadRequest)).transpose()?;
    let events = request.state.activity().page(current_user.user.id, before).await?.ok_or(ApiError::NotFound)?;
    Ok(EventList { events: events.iter().map(view::event).collect() })
}

/// All data stored about the user, as a file.
#[server(prefix = "/api", endpoint = "account/export", input = GetUrl, output = Json)]
pub async fn export() -> Result<Box<RawValue>, ApiError> {
    use crate::server::http::request::{RequestContext, raw, respond_as_attachment};

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let export = request.state.exports().export(&current_user).await?;
    respond_as_attachment("latchkey-account.json");
    raw(&export)
}

/// Deletes the account; the username is required as confirmation.
#[server(prefix = "/api", endpoint = "account/delete", input = Json, output = Json)]
pub async fn delete_account(username: String) -> Result<Done, ApiError> {
    use crate::server::http::request::{RequestContext, send_cookies};

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    request.state.deletion().delete(&current_user, &username).await?;
    // The account is deleted, even if the cookie cannot be renewed.
    let renewed = request.renew_browser().await.unwrap_or_default();
    let cookies = &request.state.cookies;
    send_cookies(cookies.end_session().into_iter().chain(cookies.end_known()).chain(renewed));
    Ok(Done {})
}
