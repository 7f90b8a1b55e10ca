//! What every store promises, run on each of them.

mod accounts;
mod ephemeral;
mod store;
