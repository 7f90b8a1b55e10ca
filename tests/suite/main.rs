//! One test binary: architecture, settings, stores and the whole program from the outside.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue should fail")]

mod app;
mod applications;
mod applications_file;
mod architecture;
mod authenticator;
mod browser;
mod clients;
mod contract;
mod counting_proxy;
mod crash;
mod developers;
mod documents;
mod extend;
mod fork;
mod http;
mod import_cycles;
mod jose;
mod mail;
mod oauth;
mod openapi;
mod operation;
mod operator;
mod plain_words;
mod plans;
mod ports;
mod postgres;
mod process;
mod program;
mod properties;
mod proxy;
mod random;
mod release;
mod remote;
mod round_trips;
mod servers;
mod shutdown;
mod texts;
mod tls;
mod transfer;
mod upgrade;
mod vault;
