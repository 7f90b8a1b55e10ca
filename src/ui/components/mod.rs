mod button;
mod field;
mod notice;

pub use button::{LetterButton, SubmitButton, wants_letter};
pub use field::Field;
pub use notice::{Alert, NeedsScripts, NoticeBar, WithoutScripts};
