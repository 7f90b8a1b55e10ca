//! Latchkey: passwordless sign-in. One crate, compiled twice: for the server (`ssr`) and for the browser (`hydrate`).

pub mod browser;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod extend;
#[cfg(feature = "ssr")]
pub mod router;
#[cfg(feature = "ssr")]
pub mod web;

pub use latchkey_base::{api, types};
#[cfg(feature = "ssr")]
pub use latchkey_base::{bootstrap, operator, serve, server, stderr};

/// Hydrates the islands of a page that the server rendered.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    browser::submit_complete_codes();
    leptos::mount::hydrate_islands();
}
