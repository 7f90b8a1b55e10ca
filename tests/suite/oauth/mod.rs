//! The OpenID Connect provider, asked as applications and browsers ask it: a file for each list of the certification tests, and
//! files for what the contract adds.

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
