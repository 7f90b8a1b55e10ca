//! `/account`: its sections, and the actions of their forms.

mod actions;
mod codes;
mod content;
mod page;
mod signals;

pub(super) use actions::perform;
pub use actions::post;
pub use codes::get as get_codes;
pub use page::get;
