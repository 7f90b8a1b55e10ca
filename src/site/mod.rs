//! Answers for people: pages, and the forms that work without scripts. Who may see a page is decided here.

pub mod account;
pub mod account_form;
pub mod acts;
pub mod answers;
pub mod forms;
mod guards;
mod identity;
pub mod language;
pub mod letters;
pub mod pages;
mod refusals;
mod render;
mod signals;

pub use guards::{Fresh, SignedIn};
pub use refusals::for_people;
pub use render::{Page, guard_forms, render};
