//! The real router, asked as browsers and strangers ask it.

mod edge;
mod outage;
mod pages;
mod session;
mod sign_in;
mod sign_up;
