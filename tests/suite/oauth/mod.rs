//! The OpenID Connect provider, called as applications and browsers call it: one file per list of the certification
//! tests, and files for additional guarantees.

mod apps;
mod backchannel;
mod basic;
mod clients;
mod config;
mod consent;
mod form_post;
mod jobs;
mod keys;
mod logout;
mod names;
mod races;
mod redirects;
mod refresh;
pub mod relying_party;
mod sign_in;
