mod button;
mod field;
mod given;
mod notice;
mod signals;

pub use button::{LetterButton, SubmitButton, wants_letter};
pub use field::Field;
pub use given::{Give, given_number, given_refusal, given_text, is_given};
pub use notice::{Alert, Countdown, NeedsScripts, NoticeBar, WithoutScripts, count_down};
pub use signals::Signals;
