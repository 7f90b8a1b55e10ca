//! Tests of the real router with the requests of browsers and other clients.

mod access;
mod account;
mod account_forms;
mod addresses;
mod authority;
mod bounds;
mod compatibility;
mod edge;
mod edges;
mod email_cookie;
mod emails;
mod faults;
mod headers;
mod indistinguishable;
mod known_browser;
mod limits;
mod mailbox;
mod nodes;
mod operation;
mod outage;
mod pages;
mod passkeys;
mod profile;
mod races;
mod recovery;
mod security_notifications;
mod session;
mod sign_in;
mod sign_up;

pub(crate) use edge::send as send_request;
