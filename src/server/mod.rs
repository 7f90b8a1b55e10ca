//! The server: everything that only the native build has.

pub mod access;
pub mod admin;
pub mod auth;
pub mod clock;
pub mod config;
pub mod core;
pub mod ephemeral;
pub mod http;
pub mod jobs;
pub mod jose;
pub mod keys;
pub mod limiter;
pub mod mail;
pub mod model;
pub mod oauth;
pub mod outbound;
pub mod secret;
pub mod services;
pub mod store;
pub mod telemetry;
pub mod unavailable;

pub use unavailable::Unavailable;
