//! Emails over a real SMTP conversation, and the mail queue behind them.

mod queue;
pub mod server;
mod smtp;
mod words;
