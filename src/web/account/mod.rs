//! `/account`: its sections, and what their forms do.

mod actions;
mod codes;
mod content;
mod page;
mod signals;

pub(super) use actions::perform;
pub use actions::post;
pub use codes::get as get_codes;
pub use page::get;
