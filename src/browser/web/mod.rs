//! The browser functions that pages use.

mod calls;
mod credentials;
mod objects;
mod page;
mod passkeys;
mod texts;

pub use calls::{Answer, Argument, post, status_of_path, string_member};
pub use page::{
    copy_from, given, go, is_ticked, is_visible, pause, press_passkey_button, print, submit, submit_complete_codes,
    typed, when_visible,
};
pub use passkeys::{
    Abort, create, forget_unknown, get, signal, supports_autofill, supports_immediate, supports_passkeys,
};
pub use texts::translated;
