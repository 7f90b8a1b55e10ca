//! Types that both targets share: parsed input, views, errors and paths.

pub mod display_name;
pub mod email;
pub mod error;
pub mod forms;
pub mod identifier;
pub mod language;
pub mod next;
pub mod notice;
pub mod paths;
pub mod property;
pub mod section;
pub mod site;
pub mod texts;
pub mod username;
pub mod views;

pub use display_name::DisplayName;
pub use email::EmailAddress;
pub use error::ApiError;
pub use forms::{AccountAction, AccountForm};
pub use identifier::Identifier;
pub use language::Language;
pub use next::Next;
pub use notice::Notice;
pub use property::{Property, PropertyMap};
pub use section::Section;
pub use site::Site;
pub use username::Username;
