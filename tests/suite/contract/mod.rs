//! What every store promises, run on each of them.

mod accounts;
mod admission;
mod connections;
mod ephemeral;
mod operation;
mod store;
