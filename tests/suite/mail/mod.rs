//! Emails over a real SMTP conversation, and the mail queue behind them.

mod contents;
mod queue;
pub mod server;
mod smtp;
