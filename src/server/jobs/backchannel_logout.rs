//! Tells applications that a session ended (OpenID Connect Back-Channel Logout 1.0).

use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::logout::{ClaimedLogout, LogoutResult};
use crate::server::model::outbox::{Claim, pause_after};
use crate::server::oauth::SigningKeys;
use crate::server::oauth::logout_token;
use crate::server::outbound::{Door, Reach};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a notice stays claimed: longer than a request may take.
const LEASE: Duration = Duration::from_secs(15);
/// How often the queue is read when nothing wakes the worker: other processes queue notices, too.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Longest reason that is kept, in characters.
const LONGEST_REASON: usize = 200;

/// Sends the notices.
pub struct LogoutWorker {
    pub core: Arc<Core>,
    pub door: Door,
}

impl LogoutWorker {
    /// Works until it is told to stop.
    pub async fn work(&self, mut stopped: watch::Receiver<bool>) {
        let wake = &self.core.store.wakes().logout;
        while !*stopped.borrow() {
            match self.deliver_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(cause) => tracing::warn!(%cause, "logout queue not read"),
            }
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    /// Sends one notice that is due; `false` when none was.
    pub async fn deliver_next(&self) -> Result<bool, Unavailable> {
        let (store, now) = (&self.core.store, self.core.now());
        let claim = Claim::random(self.core.entropy());
        let Some(claimed) = store.claim_logout(now, claim, LEASE).await? else { return Ok(false) };
        let failure = self.send(&claimed).await?;
        let (application, now) = (&claimed.notice.application, self.core.now());
        if let Some(application) = claimed.notice.application_id() {
            let failure = failure.as_ref().map(|reason| reason.chars().take(LONGEST_REASON).collect());
            let result = LogoutResult { user: claimed.notice.user, application, happened_at: now, failure };
            store.record_logout_result(claimed.id, &result).await?;
        }
        let Some(reason) = failure else {
            tracing::info!(application, "application told of a logout");
            store.finish_logout(claimed.id, claim).await?;
            return Ok(true);
        };
        let due_at = now.plus(pause_after(claimed.attempts, claimed.not_after.since(claimed.created_at)));
        if due_at >= claimed.not_after {
            tracing::warn!(application, reason, "application not told of a logout; giving up");
            store.finish_logout(claimed.id, claim).await?;
        } else {
            tracing::info!(application, reason, "application not told of a logout; trying again");
            store.release_logout(claimed.id, claim, due_at).await?;
        }
        Ok(true)
    }

    /// Sends a notice, signed anew; returns why the application did not take it.
    async fn send(&self, claimed: &ClaimedLogout) -> Result<Option<String>, Unavailable> {
        let notice = &claimed.notice;
        let client = match notice.application_id() {
            Some(application) => self.core.store.client_of(&application).await?,
            None => None,
        };
        let Some(client) = client else { return Ok(None) };
        let token = logout_token(&self.core, &*SigningKeys { core: &self.core }.current()?, &client, notice)?;
        let sent = self.door.post_form(&notice.uri, vec![("logout_token", token)], Reach::Registered).await;
        Ok(match sent {
            Ok(reply) if (200..300).contains(&reply.status) => None,
            Ok(reply) => Some(format!("it answered {}", reply.status)),
            Err(cause) => Some(cause.to_string()),
        })
    }
}
