//! `/account`: the page, and what its forms do.

mod actions;
mod codes;
mod page;
mod signals;

pub(super) use actions::perform;
pub use actions::post;
pub use codes::get as get_codes;
pub use page::get;
