//! Tests that run against every store. `sqlite.rs` and `locks.rs` contain tests for one database.

mod accounts;
mod applications;
mod connections;
mod ephemeral;
mod locks;
mod operation;
mod record_sign_in;
mod redemptions;
mod sqlite;
mod store;
