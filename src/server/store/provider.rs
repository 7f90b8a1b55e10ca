use super::ActiveGrant;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::oauth::{Client, ClientSecret, IssuedToken, Scopes};
use crate::server::model::{Application, ApplicationId, GroupName, Passkey, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;
use std::collections::BTreeSet;

/// The facts about a user that decide which applications they may use, and that applications receive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFacts {
    /// Oldest first.
    pub passkeys: Vec<Passkey>,
    pub groups: BTreeSet<GroupName>,
}

/// A session, expired or not, with its user and the user's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    pub session: Session,
    pub user: User,
    pub facts: UserFacts,
}

/// A client with its application, and with the session in which it requests authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientWithSession {
    pub application: Application,
    pub client: Client,
    pub session: Option<SessionFacts>,
    /// The scopes that the user has granted to the application.
    pub consent: Option<Scopes>,
}

/// A client with its application and secrets, and with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientWithSecrets {
    pub application: Application,
    pub client: Client,
    /// Oldest first, including expired ones.
    pub secrets: Vec<ClientSecret>,
    pub session: Option<SessionFacts>,
    /// The scopes that the user of the session has granted to the application.
    pub consent: Option<Scopes>,
}

/// A valid access token with the data that its use depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidAccessToken {
    pub active_grant: ActiveGrant,
    pub token: IssuedToken,
    pub application: Application,
    pub client: Client,
    pub facts: UserFacts,
}

/// The provider's frequent reads across several tables, one statement each.
#[async_trait]
pub trait ProviderReads: Send + Sync {
    /// An application, and the facts about a user; `None` if either does not exist.
    async fn application_for(
        &self,
        id: &ApplicationId,
        user: UserId,
    ) -> Result<Option<(Application, UserFacts)>, Unavailable>;

    /// A client by its `client_id`, and the session of the token, if given and found.
    async fn client_by_id(
        &self,
        client_id: &str,
        session: Option<&TokenHash>,
    ) -> Result<Option<ClientWithSession>, Unavailable>;

    /// A client by its `client_id` with its secrets, and the session, if given and found.
    async fn client_with_secrets(
        &self,
        client_id: &str,
        session: Option<SessionId>,
    ) -> Result<Option<ClientWithSecrets>, Unavailable>;

    /// An access token that is valid at `now`.
    async fn access_token(&self, token: &TokenHash, now: Timestamp) -> Result<Option<ValidAccessToken>, Unavailable>;
}
