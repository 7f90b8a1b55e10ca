//! `/account`: the page, and what its forms do.

mod actions;
mod page;
mod signals;

pub(super) use actions::perform;
pub use actions::post;
pub use page::get;
