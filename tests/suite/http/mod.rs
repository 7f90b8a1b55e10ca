//! The real router, asked as browsers and strangers ask it.

mod account;
mod addresses;
mod edge;
mod known_browser;
mod letters;
mod mailbox;
mod outage;
mod pages;
mod passkeys;
mod session;
mod sign_in;
mod sign_up;
