//! Answers for people: pages, and the forms that work without scripts. Who may see a page is decided here.

pub mod acts;
pub mod answers;
pub mod forms;
pub mod letters;
pub mod pages;
mod render;

pub use pages::for_people;
pub use render::guard_forms;
