//! Latchkey: passwordless sign-in. One crate, compiled twice: for the server (`ssr`) and for the browser (`hydrate`).

pub mod api;
pub mod browser;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod bootstrap;
#[cfg(feature = "ssr")]
pub mod extend;
#[cfg(feature = "ssr")]
pub mod operator;
#[cfg(feature = "ssr")]
pub mod router;
#[cfg(feature = "ssr")]
pub mod serve;
#[cfg(feature = "ssr")]
pub mod web;

#[cfg(feature = "ssr")]
pub use latchkey_base::server;
pub use latchkey_base::types;

/// Hydrates the islands of a page that the server rendered.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    browser::submit_complete_codes();
    leptos::mount::hydrate_islands();
}
