mod button;
mod field;
mod given;
mod live;
mod moment;
mod notice;
mod signals;

pub use button::{DefaultEmailButton, EmailButton, SubmitButton, wants_email};
pub use field::Field;
pub(crate) use given::properties;
pub use given::{Give, Properties};
pub use live::Live;
pub use moment::{Moment, day, place};
pub use notice::{Alert, Countdown, NeedsScripts, NoticeBar, Refusal, WithoutScripts, count_down};
pub use signals::Signals;
