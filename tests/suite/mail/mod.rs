//! Emails over a real SMTP conversation, and the outbox behind them.

mod outbox;
pub mod server;
mod smtp;
mod words;
