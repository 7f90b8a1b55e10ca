use super::{DeliveryError, Email, HandOverError, PreparedEmail, Transport};
use crate::server::clock::Clock;
use crate::server::store::{MailboxEmail, Store};
use async_trait::async_trait;
use std::sync::Arc;

/// The development mailbox: stores emails in the database, from which a page shows those of all nodes.
pub struct Mailbox {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
}

struct Delivery {
    store: Arc<dyn Store>,
    email: MailboxEmail,
}

#[async_trait]
impl Transport for Mailbox {
    async fn prepare(&self, email: Email) -> Result<Box<dyn PreparedEmail>, DeliveryError> {
        let email = MailboxEmail {
            id: email.id,
            recipient: email.recipient,
            subject: email.subject,
            text: email.text,
            html: email.html,
            sent_at: self.clock.now(),
        };
        Ok(Box::new(Delivery { store: Arc::clone(&self.store), email }))
    }
}

#[async_trait]
impl PreparedEmail for Delivery {
    async fn finish(self: Box<Self>) -> Result<(), HandOverError> {
        self.store.add_to_mailbox(&self.email).await.map_err(|cause| HandOverError::Unknown(cause.into()))
    }
}
