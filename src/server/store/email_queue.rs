use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::email_queue::{ClaimedEmail, EmailId};
use crate::server::model::queue::Claim;
use crate::server::secret::TokenHash;
use async_trait::async_trait;
use std::time::Duration;

/// An email in the development mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxEmail {
    pub id: EmailId,
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub sent_at: Timestamp,
}

/// The hashes of the secrets in an email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailSecrets {
    pub link_hash: TokenHash,
    /// `None` if the email contains only the link.
    pub code_hash: Option<KeyedHash>,
}

/// The mail queue, and the development mailbox.
#[async_trait]
pub trait EmailQueueReads: Send + Sync {
    /// Claims a due email that no worker holds; other workers may claim it after `lease`.
    async fn claim_email(
        &self,
        now: Timestamp,
        claim: Claim,
        lease: Duration,
    ) -> Result<Option<ClaimedEmail>, Unavailable>;

    /// Extends the claim on an email; `false` when another worker has it.
    async fn renew_claim(&self, id: EmailId, claim: Claim, until: Timestamp) -> Result<bool, Unavailable>;

    /// Returns an email that was certainly not delivered to the queue, for another attempt at `due_at`.
    async fn release_email(&self, id: EmailId, claim: Claim, due_at: Timestamp) -> Result<(), Unavailable>;

    /// Removes an email from the queue, because it was sent or is no longer needed.
    async fn finish_email(&self, id: EmailId, claim: Claim) -> Result<(), Unavailable>;

    /// Moves emails to this queue that a node of the previous version queued but did not send.
    async fn adopt_emails(&self, now: Timestamp) -> Result<u64, Unavailable>;

    /// Removes expired emails whose delivery status is unknown, at most `limit`, and returns how many.
    async fn remove_handed_over(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;

    async fn add_to_mailbox(&self, email: &MailboxEmail) -> Result<(), Unavailable>;

    /// The emails of the development mailbox, newest first.
    async fn mailbox(&self, limit: u32) -> Result<Vec<MailboxEmail>, Unavailable>;

    /// Removes the oldest emails of the development mailbox beyond the maximum.
    async fn trim_mailbox(&self) -> Result<(), Unavailable>;
}

/// Writes of the mail queue.
#[async_trait]
pub trait EmailQueueWrites: Send {
    /// Marks an email as possibly sent, and activates its secrets; `false` when another worker has it, or it was voided
    /// or already handed over.
    async fn hand_over(
        &mut self,
        email: &ClaimedEmail,
        secrets: &EmailSecrets,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;
}
