//! Pages, and the forms that work without scripts. Each path has a module, with its `get` and `post` handlers.

pub mod account;
pub mod apps;
pub mod confirm;
mod continuation;
pub mod email_confirm;
pub mod email_link;
mod error_page;
mod extract;
pub mod fallback;
pub mod home;
pub mod language;
pub mod mailbox;
pub mod oauth;
mod redirect;
mod render;
pub mod report;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;

pub use error_page::render_error_pages;
pub use extract::{Fresh, SignedIn};
pub use render::{Page, render};
