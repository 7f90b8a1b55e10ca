mod button;
mod derived_signal;
mod field;
mod given;
mod local_time;
mod notice;
mod signals;

pub use button::{DefaultEmailButton, EmailButton, SubmitButton, wants_email};
pub use derived_signal::DerivedSignal;
pub use field::Field;
pub(crate) use given::properties;
pub use given::{Properties, WithProperties};
pub use local_time::{LocalTime, client_name, day};
pub use notice::{Alert, Countdown, FormRefusal, NeedsScripts, NoticeBar, Refusal, WithoutScripts, count_down};
pub use signals::Signals;
