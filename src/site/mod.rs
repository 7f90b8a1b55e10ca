//! Answers for people: pages, and the forms that work without scripts. Who may see a page is decided here.

pub mod account_form;
pub mod acts;
pub mod answers;
pub mod forms;
mod identity;
pub mod letters;
pub mod pages;
mod render;
mod signals;

pub use pages::for_people;
pub use render::guard_forms;
