//! Logout requests from applications (OpenID Connect RP-Initiated Logout 1.0).

use super::hint::{self, Hint};
use super::id_token::sid;
use super::keys::SigningKeys;
use super::parameters::Parameters;
use crate::server::Unavailable;
use crate::server::auth::CurrentUser;
use crate::server::core::Core;
use crate::server::model::UserId;
use crate::server::model::oauth::Client;
use url::form_urlencoded::byte_serialize;

/// The logout endpoint.
pub struct Logouts<'a> {
    pub(in crate::server) core: &'a Core,
}

/// The decision about a logout request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutDecision {
    /// The session ends at once.
    Now(Target),
    /// The user confirms first: any site could have sent them here.
    Ask(Target),
    /// No user is signed in.
    Done(Target),
}

/// Where the user goes after signing out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// A registered URI with `state`; `None` for our own page.
    pub address: Option<String>,
    /// The name of the application.
    pub application: Option<String>,
}

/// The session of a hint, in relation to the requesting browser.
enum HintedSession {
    /// It is the session of this browser.
    This,
    /// It is active in another browser.
    Elsewhere,
    /// It expired or was revoked.
    Ended(UserId),
    Unknown,
}

impl Logouts<'_> {
    /// Decides how to handle a logout request.
    ///
    /// # Errors
    /// When the database is unavailable, or the first signing keys are still being generated.
    pub async fn decide(
        &self,
        parameters: &Parameters,
        current: Option<&CurrentUser>,
    ) -> Result<LogoutDecision, Unavailable> {
        let hint = match parameters.one("id_token_hint") {
            None => Hint::Absent,
            Some(token) => hint::read(self.core, token)?,
        };
        let named = parameters.one("client_id");
        let (client_id, is_valid) = match &hint {
            Hint::Absent => (named, true),
            Hint::Of { client_id, .. } => (Some(client_id.as_str()), named.is_none_or(|named| named == client_id)),
            Hint::Invalid => (None, false),
        };
        let known = match client_id.filter(|_| is_valid) {
            Some(client_id) => {
                let named = self.core.store.client_by_id(client_id, None).await?;
                named.map(|named| (named.application, named.client))
            }
            None => None,
        };
        let Some((application, client)) = known else { return Ok(without_target(current)) };
        let wanted = parameters.one("post_logout_redirect_uri");
        let address = wanted.filter(|uri| client.allows_post_logout_redirect(uri));
        let address = address.map(|uri| with_state(uri, parameters.one("state")));
        let is_wrong = wanted.is_some() && address.is_none();
        let target = Target { address, application: Some(application.name.to_string()) };
        let hinted_session = self.hinted_session(&hint, &client, current).await?;
        Ok(match (hinted_session, current) {
            // A wrong URI is a mistake in the application, or an attacker's request.
            (_, Some(_)) if is_wrong => LogoutDecision::Ask(Target { address: None, ..target }),
            (_, None) if is_wrong => LogoutDecision::Done(Target::default()),
            (HintedSession::This, Some(_)) => LogoutDecision::Now(target),
            (HintedSession::Ended(user), Some(current)) if user == current.user.id => LogoutDecision::Now(target),
            (HintedSession::This | HintedSession::Ended(_), None) => LogoutDecision::Done(target),
            (HintedSession::Unknown, None) if target.address.is_none() => LogoutDecision::Done(target),
            (HintedSession::Elsewhere | HintedSession::Ended(_) | HintedSession::Unknown, _) => {
                LogoutDecision::Ask(target)
            }
        })
    }

    async fn hinted_session(
        &self,
        hint: &Hint,
        client: &Client,
        current: Option<&CurrentUser>,
    ) -> Result<HintedSession, Unavailable> {
        let Hint::Of { user, sid: Some(named), .. } = hint else { return Ok(HintedSession::Unknown) };
        let keys = SigningKeys { core: self.core }.current()?;
        let now = self.core.now();
        if current.is_some_and(|current| sid(&keys, current.session.id, &client.application) == *named) {
            return Ok(HintedSession::This);
        }
        let sessions = self.core.store.sessions(*user).await?;
        let lives = sessions
            .iter()
            .any(|session| session.is_alive(now) && sid(&keys, session.id, &client.application) == *named);
        Ok(if lives { HintedSession::Elsewhere } else { HintedSession::Ended(*user) })
    }
}

fn without_target(current: Option<&CurrentUser>) -> LogoutDecision {
    match current {
        Some(_) => LogoutDecision::Ask(Target::default()),
        None => LogoutDecision::Done(Target::default()),
    }
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let state: String = byte_serialize(state.as_bytes()).collect();
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}state={state}")
}
