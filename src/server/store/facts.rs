use super::LivingGrant;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::oauth::{Client, ClientSecret, IssuedToken, Scopes};
use crate::server::model::{Application, ApplicationId, GroupName, Passkey, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;
use std::collections::BTreeSet;

/// The facts about a user that decide which applications they may use, and that applications learn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFacts {
    /// All of them, the oldest first.
    pub passkeys: Vec<Passkey>,
    /// All of them.
    pub groups: BTreeSet<GroupName>,
}

/// A client with its application, and with a user for whom it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedClient {
    pub application: Application,
    pub client: Client,
    pub asks_for: Option<AskedUser>,
}

/// A user for whom an application asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedUser {
    pub id: UserId,
    pub facts: UserFacts,
    /// The scopes that the user allowed the application.
    pub consent: Option<Scopes>,
}

/// An access token that is valid, with all that its use depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInUse {
    pub living: LivingGrant,
    pub token: IssuedToken,
    pub application: Application,
    pub client: Client,
    pub facts: UserFacts,
}

/// Reads across nouns, each one statement: what the provider asks all the time.
#[async_trait]
pub trait FactReads: Send + Sync {
    /// An application, and the facts about a user.
    async fn application_for(
        &self,
        id: &ApplicationId,
        user: UserId,
    ) -> Result<Option<(Application, UserFacts)>, Unavailable>;

    /// A client by its `client_id`, with the facts about a user where there is one.
    async fn client_named(&self, client_id: &str, user: Option<UserId>) -> Result<Option<NamedClient>, Unavailable>;

    /// A client by its `client_id`, with its secrets, the oldest first, expired ones included.
    async fn client_with_secrets(
        &self,
        client_id: &str,
    ) -> Result<Option<(Application, Client, Vec<ClientSecret>)>, Unavailable>;

    /// A session with its user and the facts about them.
    async fn session_with_facts(&self, id: SessionId) -> Result<Option<(Session, User, UserFacts)>, Unavailable>;

    /// An access token that is valid at `now`.
    async fn access_token(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenInUse>, Unavailable>;
}
