use super::Insertion;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::ApplicationId;
use crate::server::model::oauth::{Client, ClientSecret, Mismatch};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Reads of the provider's clients.
#[async_trait]
pub trait OauthClientReads: Send + Sync {
    /// The client of an application.
    async fn client_of(&self, application: &ApplicationId) -> Result<Option<Client>, Unavailable>;

    /// The secrets of an application, the oldest first, expired ones included.
    async fn client_secrets(&self, application: &ApplicationId) -> Result<Vec<ClientSecret>, Unavailable>;

    /// The redirect URIs that were asked for and are not registered, the newest first.
    async fn mismatches(&self, application: &ApplicationId) -> Result<Vec<Mismatch>, Unavailable>;

    /// Adds a mismatch, or updates the time and reference of a known one; removes the oldest ones beyond the maximum.
    async fn record_mismatch(&self, application: &ApplicationId, mismatch: &Mismatch) -> Result<(), Unavailable>;

    /// Removes mismatches from before a moment, at most `limit`, and returns how many.
    async fn remove_old_mismatches(&self, before: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of the provider's clients.
#[async_trait]
pub trait OauthClientWrites: Send {
    /// The client of an application that is locked.
    async fn client_within(&mut self, application: &ApplicationId) -> Result<Option<Client>, Unavailable>;

    /// Whether another application has a `client_id`.
    async fn is_client_id_taken(&mut self, client: &Client) -> Result<bool, Unavailable>;

    /// Writes the client of an application; a conflict where another one has its `client_id`.
    async fn put_client(&mut self, client: &Client) -> Result<Insertion, Unavailable>;

    /// Removes a client with its secrets, grants and visits, where the application has one.
    async fn remove_client(&mut self, application: &ApplicationId) -> Result<(), Unavailable>;

    /// The secrets of an application that is locked.
    async fn client_secrets_within(&mut self, application: &ApplicationId) -> Result<Vec<ClientSecret>, Unavailable>;

    async fn add_client_secret(
        &mut self,
        application: &ApplicationId,
        secret: &ClientSecret,
    ) -> Result<(), Unavailable>;

    async fn remove_client_secret(&mut self, application: &ApplicationId, hash: &TokenHash) -> Result<(), Unavailable>;

    /// Hands the secrets that came from the file over to the command line.
    async fn release_client_secrets(&mut self, application: &ApplicationId) -> Result<(), Unavailable>;

    /// Removes the secrets that begin so, but for those of the file; returns how many.
    async fn remove_client_secrets(&mut self, application: &ApplicationId, prefix: &str) -> Result<u64, Unavailable>;
}
