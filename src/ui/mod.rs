//! Pages and components. Pages are rendered on the server; only `#[island]` components hydrate in the browser.

pub mod components;
pub mod pages;
pub mod shell;
pub mod words;
