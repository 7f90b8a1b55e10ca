//! What every store promises, run on each of them; and how SQLite keeps its file (`log.rs`).

mod accounts;
mod admission;
mod connections;
mod ephemeral;
mod log;
mod operation;
mod store;
