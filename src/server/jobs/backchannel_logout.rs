//! Tells applications that a session ended (OpenID Connect Back-Channel Logout 1.0).

use super::PollTurn;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::logout::{ClaimedLogout, LogoutResult};
use crate::server::model::queue::{Claim, pause_after};
use crate::server::oauth::SigningKeys;
use crate::server::oauth::logout_token;
use crate::server::outbound::{OutboundClient, Reach};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a notice stays claimed: longer than a request may take.
const LEASE: Duration = Duration::from_secs(15);
/// How often the queue is read when nothing wakes a worker.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum length of a stored reason, in characters.
const MAX_REASON_CHARS: usize = 200;

/// The outcome of one attempt.
enum Outcome {
    Delivered,
    /// Why the application did not accept it.
    Failed(String),
    /// The application was removed.
    Removed,
}

/// Sends logout notices.
pub struct LogoutWorker {
    core: Arc<Core>,
    outbound: OutboundClient,
    poll_turn: PollTurn,
}

impl LogoutWorker {
    #[must_use]
    pub fn new(core: Arc<Core>, outbound: OutboundClient) -> Self {
        Self { core, outbound, poll_turn: PollTurn::new(POLL_INTERVAL) }
    }

    /// Runs until it is told to stop.
    pub async fn work(&self, mut stopped: watch::Receiver<bool>) {
        let wake = &self.core.store.wakes().logout;
        while !*stopped.borrow() {
            match self.deliver_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(cause) => tracing::warn!(%cause, "logout queue unavailable"),
            }
            self.poll_turn.wait(wake, &mut stopped).await;
        }
    }

    /// Sends one notice that is due; `false` if none is.
    pub async fn deliver_next(&self) -> Result<bool, Unavailable> {
        let (store, now) = (&self.core.store, self.core.now());
        let claim = Claim::random(self.core.entropy());
        let Some(claimed) = store.claim_logout(now, claim, LEASE).await? else { return Ok(false) };
        store.wakes().logout.notify_one(); // There may be more.
        let (application, outcome) = (&claimed.notice.application, self.send(&claimed).await?);
        let now = self.core.now();
        let failure = match outcome {
            Outcome::Delivered => None,
            Outcome::Failed(reason) => Some(reason),
            Outcome::Removed => {
                tracing::info!(application, "logout token dropped: the application was removed");
                store.finish_logout(claimed.id, claim).await?;
                return Ok(true);
            }
        };
        if let Some(application) = claimed.notice.application_id() {
            let failure = failure.as_ref().map(|reason| reason.chars().take(MAX_REASON_CHARS).collect());
            let result = LogoutResult { user: claimed.notice.user, application, happened_at: now, failure };
            store.record_logout_result(claimed.id, &result).await?;
        }
        let Some(reason) = failure else {
            tracing::info!(application, "logout token delivered");
            store.finish_logout(claimed.id, claim).await?;
            return Ok(true);
        };
        let due_at = now.plus(pause_after(claimed.attempts, claimed.not_after.since(claimed.created_at)));
        if due_at >= claimed.not_after {
            tracing::warn!(application, reason, "logout delivery abandoned");
            store.finish_logout(claimed.id, claim).await?;
        } else {
            tracing::info!(application, reason, "logout delivery failed");
            store.release_logout(claimed.id, claim, due_at).await?;
        }
        Ok(true)
    }

    /// Signs a new logout token for a notice and sends it.
    async fn send(&self, claimed: &ClaimedLogout) -> Result<Outcome, Unavailable> {
        let notice = &claimed.notice;
        let client = match notice.application_id() {
            Some(application) => self.core.store.client_of(&application).await?,
            None => None,
        };
        let Some(client) = client else { return Ok(Outcome::Removed) };
        let token = logout_token(&self.core, &*SigningKeys { core: &self.core }.current()?, &client, notice)?;
        let sent = self.outbound.post_form(&notice.uri, vec![("logout_token", token)], Reach::Registered).await;
        Ok(match sent {
            Ok(reply) if (200..300).contains(&reply.status) => Outcome::Delivered,
            Ok(reply) => Outcome::Failed(format!("HTTP status {}", reply.status)),
            Err(cause) => Outcome::Failed(cause.to_string()),
        })
    }
}
