use crate::types::ApiError;
use crate::types::views::{Done, Whoami};
use leptos::server;
use server_fn::codec::{GetUrl, Json};

/// The signed-in user and their session.
#[server(prefix = "/api", endpoint = "session", input = GetUrl, output = Json)]
pub async fn session() -> Result<Whoami, ApiError> {
    use crate::server::auth::view;
    use crate::server::http::request::RequestContext;

    let current_user = RequestContext::current().require_session().await?;
    Ok(Whoami { user: view::user(&current_user.user), session: view::session(&current_user.session, true) })
}

/// Signs out of this browser; succeeds without a session.
#[server(prefix = "/api", endpoint = "sign-out", input = Json, output = Json)]
pub async fn sign_out() -> Result<Done, ApiError> {
    use crate::server::http::request::{RequestContext, answer_clearing_storage, send_cookies};

    let request = RequestContext::current();
    send_cookies(request.sign_out().await?);
    answer_clearing_storage();
    Ok(Done {})
}
