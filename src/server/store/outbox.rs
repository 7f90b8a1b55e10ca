use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::outbox::{Claim, ClaimedEmail, EmailId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;
use std::time::Duration;

/// An email as the development mailbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxEmail {
    pub id: EmailId,
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub sent_at: Timestamp,
}

/// The secrets of an email, as hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailSecrets {
    pub link_hash: TokenHash,
    /// `None` where the email carries the link alone.
    pub code_hash: Option<KeyedHash>,
}

/// The mail queue, and the development mailbox.
#[async_trait]
pub trait OutboxReads: Send + Sync {
    /// Claims an email that is due and that no worker holds; others may claim it again after `lease`.
    async fn claim_email(
        &self,
        now: Timestamp,
        claim: Claim,
        lease: Duration,
    ) -> Result<Option<ClaimedEmail>, Unavailable>;

    /// Holds an email for longer; `false` when another worker has it.
    async fn renew_claim(&self, id: EmailId, claim: Claim, until: Timestamp) -> Result<bool, Unavailable>;

    /// Puts an email back that certainly reached no one, to be tried again at `due_at`.
    async fn release_email(&self, id: EmailId, claim: Claim, due_at: Timestamp) -> Result<(), Unavailable>;

    /// Takes an email out of the queue: sent, or of no use any more.
    async fn finish_email(&self, id: EmailId, claim: Claim) -> Result<(), Unavailable>;

    /// Moves emails that a node of the previous version queued and did not send.
    async fn adopt_emails(&self, now: Timestamp) -> Result<u64, Unavailable>;

    /// Removes emails whose delivery is unknown, once they are of no use, at most `limit`; returns how many.
    async fn remove_handed_over(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;

    async fn add_to_mailbox(&self, email: &MailboxEmail) -> Result<(), Unavailable>;

    /// The emails of the development mailbox, newest first.
    async fn mailbox(&self, limit: u32) -> Result<Vec<MailboxEmail>, Unavailable>;

    /// Removes the oldest emails of the development mailbox beyond those that it keeps.
    async fn trim_mailbox(&self) -> Result<(), Unavailable>;
}

/// Writes of the mail queue.
#[async_trait]
pub trait OutboxWrites: Send {
    /// Marks an email as perhaps sent, and lets its secrets be answered; `false` when another worker has it, it was voided,
    /// or handed over before.
    async fn hand_over(
        &mut self,
        email: &ClaimedEmail,
        secrets: &EmailSecrets,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;
}
