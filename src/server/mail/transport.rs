use super::Email;
use async_trait::async_trait;
use std::error::Error;

/// Delivers emails. Sending has two steps, so that an email is never sent twice: first everything that can safely be
/// retried, then the one step after which the mail server may have the email.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Does everything up to the point of no return.
    async fn prepare(&self, email: Email) -> Result<Box<dyn PreparedEmail>, DeliveryError>;
}

/// An email that is ready to be handed over; if dropped, it is not sent.
#[async_trait]
pub trait PreparedEmail: Send {
    async fn finish(self: Box<Self>) -> Result<(), HandOverError>;
}

/// Why an email certainly was not delivered.
#[derive(Debug)]
pub enum DeliveryError {
    /// Temporary: worth a retry later.
    Later(Box<dyn Error + Send + Sync>),
    /// The email cannot be written, or the mail server will never accept it.
    Never(Box<dyn Error + Send + Sync>),
    /// The email was voided, or claimed by another worker.
    ClaimLost,
}

/// How the last step failed.
#[derive(Debug)]
pub enum HandOverError {
    /// Certainly refused.
    Refused(DeliveryError),
    /// The email may have been delivered, so it is not retried.
    Unknown(Box<dyn Error + Send + Sync>),
}
