//! What lasts, as plain values and pure transitions: no I/O in here.

pub mod known_browser;
pub mod letter;
pub mod passkey;
pub mod provider;
pub mod session;
pub mod user;

pub use known_browser::KnownBrowser;
pub use passkey::{CredentialId, Passkey};
pub use session::{Session, SessionId, SessionLifetimes};
pub use user::{User, UserId};
