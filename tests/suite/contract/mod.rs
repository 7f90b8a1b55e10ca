//! What every store promises, run on each of them.

mod ephemeral;
mod store;
