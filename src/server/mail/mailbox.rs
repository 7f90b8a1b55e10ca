use super::{DeliveryError, Email, HandOver, HandOverError, Transport};
use crate::server::clock::Clock;
use crate::server::store::{MailboxEmail, Store};
use async_trait::async_trait;
use std::sync::Arc;

/// The development mailbox: letters stay in the database, where a page shows those of all nodes.
pub struct Mailbox {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
}

struct Delivery {
    store: Arc<dyn Store>,
    letter: MailboxEmail,
}

#[async_trait]
impl Transport for Mailbox {
    async fn prepare(&self, letter: Email) -> Result<Box<dyn HandOver>, DeliveryError> {
        let letter = MailboxEmail {
            id: letter.id,
            recipient: letter.recipient,
            subject: letter.subject,
            text: letter.text,
            html: letter.html,
            sent_at: self.clock.now(),
        };
        Ok(Box::new(Delivery { store: Arc::clone(&self.store), letter }))
    }
}

#[async_trait]
impl HandOver for Delivery {
    async fn finish(self: Box<Self>) -> Result<(), HandOverError> {
        self.store.add_to_mailbox(&self.letter).await.map_err(|cause| HandOverError::Unknown(cause.into()))
    }
}
