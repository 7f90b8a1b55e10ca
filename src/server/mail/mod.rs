//! Emails: what they say, and the ways they can go.

mod email;
mod link_like;
mod mailbox;
mod smtp;
mod transport;

pub use email::{Branding, Draft, Email, Unwritable, write_notification};
pub use mailbox::Mailbox;
pub use smtp::{BadSmtp, Smtp};
pub use transport::{DeliveryError, HandOver, HandOverError, Transport};
