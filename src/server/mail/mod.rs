//! Letters: what they say, the worker that sends them from the outbox, and the ways they can go.

mod letter;
mod link_like;
mod mailbox;
mod postman;
mod smtp;
mod transport;

pub use letter::{Draft, Letter, Letterhead, write_security_letter};
pub use mailbox::Mailbox;
pub use postman::Postman;
pub use smtp::{BadSmtp, Smtp};
pub use transport::{DeliveryError, HandOver, HandOverError, Transport};
