//! Letters: what they say, the worker that sends them from the outbox, and the ways they can go.

mod email;
mod email_worker;
mod link_like;
mod mailbox;
mod smtp;
mod transport;

pub use email::{Branding, Draft, Email, write_notification};
pub use email_worker::EmailWorker;
pub use mailbox::Mailbox;
pub use smtp::{BadSmtp, Smtp};
pub use transport::{DeliveryError, HandOver, HandOverError, Transport};
