mod button;
mod field;
mod notice;

pub use button::SubmitButton;
pub use field::Field;
pub use notice::{Alert, NeedsScripts};
