//! Answers for people: pages, and the forms that work without scripts. Who may see a page is decided here.

mod forms;
mod pages;
mod render;

pub use forms::sign_out;
pub use pages::{account, home, not_allowed, other, refusal_page, sign_in, sign_up};
pub use render::guard_forms;
