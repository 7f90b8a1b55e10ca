use super::Email;
use async_trait::async_trait;
use std::error::Error;

/// A way for emails to go. Sending has two steps, so that an email is never sent twice: everything that may safely be
/// tried again, and then the one step after which the other side may have the email.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Does everything up to the point of no return.
    async fn prepare(&self, email: Email) -> Result<Box<dyn HandOver>, DeliveryError>;
}

/// An email that is ready to be handed over; dropped, it is not sent.
#[async_trait]
pub trait HandOver: Send {
    async fn finish(self: Box<Self>) -> Result<(), HandOverError>;
}

/// Why an email certainly was not delivered.
#[derive(Debug)]
pub enum DeliveryError {
    /// Worth another try later.
    Later(Box<dyn Error + Send + Sync>),
    /// It cannot be written, or the other side will never take it.
    Never(Box<dyn Error + Send + Sync>),
    /// It was voided, or taken by another worker.
    NotOurs,
}

/// How the last step failed.
#[derive(Debug)]
pub enum HandOverError {
    /// Certainly refused.
    Refused(DeliveryError),
    /// It may have been delivered, so it is not tried again.
    Unknown(Box<dyn Error + Send + Sync>),
}
