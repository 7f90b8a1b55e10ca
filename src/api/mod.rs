//! The HTTP API as server functions: thin transport from a request to a ceremony and back to a view.

pub mod account;
pub mod email;
pub mod passkeys;
pub mod reauthenticate;
pub mod recovery;
pub mod session;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
