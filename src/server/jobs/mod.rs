//! Background jobs, one file each.

pub mod backchannel_logout;
pub mod cleanup;
pub mod code_counts;
pub mod email;
pub mod key_rotation;
mod poll_turn;

pub use backchannel_logout::LogoutWorker;
pub use email::EmailWorker;
use poll_turn::PollTurn;
