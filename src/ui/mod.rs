//! What people see. Pages are rendered on the server; only `#[island]` components wake up in the browser.

pub mod components;
pub mod pages;
pub mod shell;
pub mod words;
