mod button;
mod field;
mod notice;
mod signals;

pub use button::{LetterButton, SubmitButton, wants_letter};
pub use field::Field;
pub use notice::{Alert, Countdown, NeedsScripts, NoticeBar, WithoutScripts, count_down};
pub use signals::Signals;
