//! `/account`: the page, and what its forms do.

mod actions;
mod confirm;
mod form;
mod page;
mod signals;

pub use actions::post;
pub use page::get;
