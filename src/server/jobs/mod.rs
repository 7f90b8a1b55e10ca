//! Background jobs, one file each.

pub mod backchannel_logout;
pub mod cleanup;
pub mod email;
pub mod key_rotation;

pub use backchannel_logout::LogoutWorker;
pub use email::EmailWorker;
