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

    /// The secrets of an application, oldest first, including expired ones.
    async fn client_secrets(&self, application: &ApplicationId) -> Result<Vec<ClientSecret>, Unavailable>;

    /// The requested redirect URIs that are not registered, newest first.
    async fn mismatches(&self, application: &ApplicationId) -> Result<Vec<Mismatch>, Unavailable>;

    /// Adds a mismatch, or updates the time and reference of a known one; removes the oldest ones beyond the maximum.
    async fn record_mismatch(&self, application: &ApplicationId, mismatch: &Mismatch) -> Result<(), Unavailable>;

    /// Removes mismatches older than `before`, at most `limit`, and returns how many.
    async fn remove_old_mismatches(&self, before: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of the provider's clients.
#[async_trait]
pub trait OauthClientWrites: Send {
    /// The client of an application whose row is locked.
    async fn client_within(&mut self, application: &ApplicationId) -> Result<Option<Client>, Unavailable>;

    /// Whether another application has the `client_id` of this client.
    async fn is_client_id_taken(&mut self, client: &Client) -> Result<bool, Unavailable>;

    /// Writes the client of an application; conflicts when another client has its `client_id`.
    async fn put_client(&mut self, client: &Client) -> Result<Insertion, Unavailable>;

    /// Removes the client of an application, if there is one, with its secrets, grants and visits.
    async fn remove_client(&mut self, application: &ApplicationId) -> Result<(), Unavailable>;

    /// The secrets of an application whose row is locked.
    async fn client_secrets_within(&mut self, application: &ApplicationId) -> Result<Vec<ClientSecret>, Unavailable>;

    async fn add_client_secret(
        &mut self,
        application: &ApplicationId,
        secret: &ClientSecret,
    ) -> Result<(), Unavailable>;

    async fn remove_client_secret(&mut self, application: &ApplicationId, hash: &TokenHash) -> Result<(), Unavailable>;

    /// Marks the secrets from the file as managed on the command line.
    async fn release_client_secrets(&mut self, application: &ApplicationId) -> Result<(), Unavailable>;

    /// Removes the secrets with this prefix, except those from the file; returns how many.
    async fn remove_client_secrets(&mut self, application: &ApplicationId, prefix: &str) -> Result<u64, Unavailable>;
}
