//! What lasts, as plain values and pure transitions: no I/O in here.

pub mod passkey;
pub mod session;
pub mod user;

pub use passkey::{CredentialId, Passkey};
pub use session::{Session, SessionId, SessionLifetimes};
pub use user::{User, UserId};
