//! Promises of every store, tested on each; `sqlite.rs` tests more of SQLite.

mod accounts;
mod admission;
mod applications;
mod connections;
mod ephemeral;
mod locks;
mod operation;
mod redemptions;
mod sqlite;
mod store;
