mod button;
mod derived_signal;
mod field;
mod local_time;
mod notice;
mod properties;
mod signals;

pub use button::{DefaultEmailButton, EmailButton, SubmitButton, wants_email};
pub use derived_signal::DerivedSignal;
pub use field::Field;
pub use local_time::{LocalTime, client_name, day};
pub use notice::{Alert, Countdown, FormRefusal, NeedsScripts, NoticeBar, Refusal, WithoutScripts, count_down};
pub(crate) use properties::properties;
pub use properties::{Properties, WithProperties};
pub use signals::Signals;
