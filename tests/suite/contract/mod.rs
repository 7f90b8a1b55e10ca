//! What every store promises, run on each of them; `sqlite.rs` has what one of them does beyond.

mod accounts;
mod admission;
mod connections;
mod ephemeral;
mod operation;
mod sqlite;
mod store;
