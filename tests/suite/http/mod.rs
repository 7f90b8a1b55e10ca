//! The real router, asked as browsers and strangers ask it.

mod account;
mod acts;
mod addresses;
mod authority;
mod edge;
mod faults;
mod indistinguishable;
mod known_browser;
mod letters;
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
mod security_letters;
mod session;
mod sign_in;
mod sign_up;
