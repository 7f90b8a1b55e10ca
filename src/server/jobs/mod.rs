//! Background jobs, one file each.

pub mod cleanup;
pub mod email;

pub use email::EmailWorker;
