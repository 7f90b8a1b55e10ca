//! The mail worker: sends the emails in the mail queue, in the background and never within a request.

use super::PollTurn;
use crate::server::Unavailable;
use crate::server::auth::email_delivery::{EmailDelivery, Recipient};
use crate::server::core::Core;
use crate::server::mail::{
    Branding, DeliveryError, Draft, Email, HandOverError, PreparedEmail, Transport, Unwritable, write_notification,
};
use crate::server::model::email_queue::{About, ClaimedEmail};
use crate::server::model::email_request::{Code, EmailRequest};
use crate::server::model::notification::Notification;
use crate::server::model::queue::{Claim, pause_after};
use crate::server::secret::Token;
use crate::server::store::EmailSecrets;
use crate::server::telemetry::meters;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Sends emails. Several workers may run at once, also in several processes.
pub struct EmailWorker {
    core: Arc<Core>,
    transport: Arc<dyn Transport>,
    branding: Branding,
    poll_turn: PollTurn,
}

/// How long an email stays claimed by a worker that does not renew its claim, for example because it was killed.
const LEASE: Duration = Duration::from_secs(15);
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often the queue is read when nothing wakes a worker.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

impl EmailWorker {
    #[must_use]
    pub fn new(core: Arc<Core>, transport: Arc<dyn Transport>, branding: Branding) -> Self {
        Self { core, transport, branding, poll_turn: PollTurn::new(POLL_INTERVAL) }
    }

    /// The same worker with another transport.
    #[must_use]
    pub fn with_transport(&self, transport: Arc<dyn Transport>) -> Self {
        Self::new(Arc::clone(&self.core), transport, self.branding.clone())
    }

    /// Runs until it is told to stop; the current email is finished first.
    pub async fn work(&self, mut stopped: watch::Receiver<bool>) {
        let wake = &self.core.store.wakes().email;
        while !*stopped.borrow() {
            match self.deliver_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(cause) => tracing::warn!(%cause, "mail queue unavailable"),
            }
            self.poll_turn.wait(wake, &mut stopped).await;
        }
    }

    /// Claims one due email and tries to deliver it; `false` if none is due.
    pub async fn deliver_next(&self) -> Result<bool, Unavailable> {
        let now = self.core.now();
        let claim = Claim::random(self.core.entropy());
        let Some(email) = self.core.store.claim_email(now, claim, LEASE).await? else { return Ok(false) };
        self.core.store.wakes().email.notify_one(); // There may be more.
        if now >= email.not_after {
            tracing::warn!(email = %email.id.0, "email expired before it was sent");
            meters::email("any", "too_late");
            self.core.store.finish_email(email.id, email.claim).await?;
            return Ok(true);
        }
        match &email.about {
            About::Notification(about) => self.send_notification(&email, about).await?,
            About::Request(open) => {
                let delivery = EmailDelivery { core: &self.core };
                if let Some(recipient) = delivery.recipient(email.id, &open.request).await? {
                    self.send_requested(&email, &open.request, &recipient).await?;
                } else {
                    meters::email(open.request.purpose.name(), "withheld");
                    self.core.store.finish_email(email.id, email.claim).await?;
                }
            }
        }
        Ok(true)
    }

    /// Sends a security notification.
    async fn send_notification(&self, email: &ClaimedEmail, about: &Notification) -> Result<(), Unavailable> {
        let link = Token::random(self.core.entropy());
        let written = write_notification(email.id, about, &link, &self.branding);
        let Some(ready) = self.ready(email, written).await? else { return Ok(()) };
        let mut unit = self.core.store.begin().await?;
        if unit.hand_over(email, &EmailSecrets { link_hash: link.hash(), code_hash: None }, self.core.now()).await? {
            unit.commit().await?;
            self.finish(email, ready, about.occasion.name()).await?;
        }
        Ok(())
    }

    /// Sends a requested email.
    async fn send_requested(
        &self,
        email: &ClaimedEmail,
        request: &EmailRequest,
        recipient: &Recipient,
    ) -> Result<(), Unavailable> {
        let (link, code) = (Token::random(self.core.entropy()), Code::random(self.core.entropy()));
        let draft = Draft {
            id: email.id,
            address: &recipient.address,
            name: recipient.name.as_ref(),
            purpose: &request.purpose,
            client: &request.client,
            language: recipient.language,
            link: &link,
            code: Some(&code).filter(|_| recipient.has_code),
        };
        let Some(ready) = self.ready(email, draft.write(&self.branding)).await? else { return Ok(()) };
        let code_hash = recipient.has_code.then(|| code.hash(&self.core.keys, request.id));
        let secrets = EmailSecrets { link_hash: link.hash(), code_hash };
        let mut unit = self.core.store.begin().await?;
        if unit.hand_over(email, &secrets, self.core.now()).await? {
            unit.commit().await?;
            self.finish(email, ready, request.purpose.name()).await?;
        }
        // Voided, or claimed by another worker: dropping the prepared email sends nothing.
        Ok(())
    }

    /// An email that is ready to be handed over; `None` if it was refused, or returned to the queue for a retry.
    async fn ready(
        &self,
        email: &ClaimedEmail,
        written: Result<Email, Unwritable>,
    ) -> Result<Option<Box<dyn PreparedEmail>>, Unavailable> {
        let prepared = match written {
            Ok(written) => self.prepared(email, written).await,
            Err(cause) => Err(DeliveryError::Never(cause.into())),
        };
        match prepared {
            Ok(ready) => Ok(Some(ready)),
            Err(cause) => self.put_back(email, cause).await.map(|()| None),
        }
    }

    async fn finish(
        &self,
        email: &ClaimedEmail,
        ready: Box<dyn PreparedEmail>,
        about: &'static str,
    ) -> Result<(), Unavailable> {
        match ready.finish().await {
            Ok(()) => {
                tracing::info!(email = %email.id.0, about, "email sent");
                meters::email(about, "sent");
                self.core.store.finish_email(email.id, email.claim).await
            }
            Err(HandOverError::Refused(cause)) => self.put_back(email, cause).await,
            Err(HandOverError::Unknown(cause)) => {
                tracing::warn!(email = %email.id.0, %cause, "email delivery unknown; not sent again");
                meters::email(about, "unknown");
                self.core.store.finish_email(email.id, email.claim).await
            }
        }
    }

    /// Prepares the delivery, and renews the claim on the email meanwhile.
    async fn prepared(&self, email: &ClaimedEmail, written: Email) -> Result<Box<dyn PreparedEmail>, DeliveryError> {
        let mut preparing = self.transport.prepare(written);
        loop {
            tokio::select! {
                prepared = &mut preparing => return prepared,
                () = tokio::time::sleep(RENEW_EVERY) => {
                    let until = self.core.now().plus(LEASE);
                    match self.core.store.renew_claim(email.id, email.claim, until).await {
                        Ok(true) => {}
                        Ok(false) => return Err(DeliveryError::ClaimLost),
                        Err(cause) => return Err(DeliveryError::Later(cause.into())),
                    }
                }
            }
        }
    }

    /// Handles an email that certainly was not delivered.
    async fn put_back(&self, email: &ClaimedEmail, cause: DeliveryError) -> Result<(), Unavailable> {
        match cause {
            DeliveryError::Never(cause) => {
                tracing::warn!(email = %email.id.0, cause = chain(&*cause), "email refused");
                meters::email("any", "refused");
                self.core.store.finish_email(email.id, email.claim).await
            }
            DeliveryError::ClaimLost => {
                tracing::info!(email = %email.id.0, "email voided or taken by another worker");
                Ok(())
            }
            DeliveryError::Later(cause) => {
                let pause = pause_after(email.attempts, email.not_after.since(email.created_at));
                let seconds = pause.as_secs();
                tracing::warn!(email = %email.id.0, cause = chain(&*cause), seconds, "email not sent; trying again");
                meters::email("any", "put_back");
                let due_at = self.core.now().plus(pause);
                self.core.store.release_email(email.id, email.claim, due_at).await
            }
        }
    }
}

/// An error and its causes on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
