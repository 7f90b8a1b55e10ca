//! The durable data as plain values and pure transitions. No I/O.

pub mod browser;
pub mod client;
pub mod client_address;
pub mod continuation;
pub mod email_request;
pub mod event;
mod id;
pub mod invitation;
pub mod levels;
pub mod limit;
pub mod lockdown;
pub mod notification;
pub mod outbox;
pub mod passkey;
pub mod probation;
pub mod provider;
pub mod recovery;
pub mod session;
pub mod user;

pub use browser::KnownBrowser;
pub use client::Client;
pub use client_address::ClientAddress;
pub use continuation::Continuation;
pub use event::{Event, EventId, EventKind};
pub use id::Issuer;
pub use invitation::{Invitation, InvitationId};
pub use levels::Levels;
pub use lockdown::Lockdown;
pub use passkey::{AddedWith, CredentialId, Passkey};
pub use session::{Session, SessionId, SessionLifetimes};
pub use user::{User, UserId};
