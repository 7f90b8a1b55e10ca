//! Emails: their contents and their transports.

mod email;
mod link_like;
mod mailbox;
mod notification;
mod smtp;
mod translate;
mod transport;

pub use email::{Branding, Draft, Email, Unwritable};
pub use mailbox::Mailbox;
pub use notification::write_notification;
pub use smtp::{InvalidSmtpSettings, Smtp};
pub use transport::{DeliveryError, HandOverError, PreparedEmail, Transport};
