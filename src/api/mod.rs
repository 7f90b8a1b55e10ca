//! The HTTP API as server functions: each calls a service and returns a view.

pub mod account;
pub mod email;
pub mod passkeys;
pub mod reauthenticate;
pub mod recovery;
pub mod session;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
