//! The layers under the pages: types for both builds, and the server.

#[cfg(feature = "ssr")]
pub mod server;
pub mod types;
