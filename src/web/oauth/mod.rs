//! The endpoints of the OpenID Connect provider.

mod answer;
pub mod authorize;
pub mod continuation;
pub mod discovery;
pub mod logout;
mod pages;
pub mod protocol;

use super::apps::address_of_logo;
use crate::server::http::RequestContext;
use crate::server::model::Application;
use crate::server::oauth::{Holder, Reading};
use crate::server::secret::Token;
use crate::types::{ApiError, Next, paths};
use crate::ui::pages::AppView;

/// The id of the request whose page is at a path.
#[must_use]
pub(super) fn request_id_in(path: &str) -> Option<Token> {
    token_after(path, paths::CONTINUE)
}

/// The id after the prefix `start` of a path.
fn token_after(path: &str, start: &str) -> Option<Token> {
    Token::decode(path.strip_prefix(start)?.strip_prefix('/')?)
}

/// An application as pages show it.
fn app_view(application: &Application) -> AppView {
    AppView { name: application.name.to_string(), logo: address_of_logo(application) }
}

/// An application that a user is signing in to.
pub(super) struct RequestingApplication {
    pub application: AppView,
    /// The identifier that the application suggests.
    pub login_hint: Option<String>,
}

/// The application that a user is signing in to before continuing to `next`.
pub(super) async fn requesting_application(
    context: &RequestContext,
    next: &Next,
) -> Result<Option<RequestingApplication>, ApiError> {
    let (Some(id), Some(browser)) = (request_id_in(next.as_str()), &context.browser) else { return Ok(None) };
    let state = &context.state;
    let Some(pending) = state.pending_requests().peek(&id, Holder::Browser(browser)).await? else { return Ok(None) };
    Ok(match state.authorizations().read(&pending.parameters(), None).await? {
        Reading::Resolved(resolved) => Some(RequestingApplication {
            application: app_view(&resolved.application),
            login_hint: resolved.request.login_hint,
        }),
        Reading::Refused(..) | Reading::NoRedirect(_) => None,
    })
}
