mod button;
mod field;
mod given;
mod live;
mod notice;
mod signals;

pub use button::{EmailButton, EmailDefault, SubmitButton, wants_email};
pub use field::Field;
pub(crate) use given::properties;
pub use given::{Give, Properties};
pub use live::Live;
pub use notice::{Alert, Countdown, NeedsScripts, NoticeBar, WithoutScripts, count_down};
pub use signals::Signals;
