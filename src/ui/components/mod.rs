mod button;
mod field;
mod notice;

pub use button::{LetterButton, SubmitButton};
pub use field::Field;
pub use notice::{Alert, NeedsScripts, NoticeBar};
