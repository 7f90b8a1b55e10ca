//! The browser functions that pages use.

mod calls;
mod credentials;
mod objects;
mod page;
mod passkeys;
mod texts;

pub use calls::{Argument, JsonValue, post, status_of_path, string_member};
pub use page::{
    copy_from, field_value, go, is_ticked, is_visible, island_property, mark_title, pause, press_passkey_button, print,
    remove, submit, submit_complete_codes, when_visible,
};
pub use passkeys::{
    Abort, create, forget_unknown, get, signal, supports_autofill, supports_immediate, supports_passkeys,
};
pub use texts::translate;
