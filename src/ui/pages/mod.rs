mod account;
mod code;
mod home;
mod link;
mod mailbox;
mod refusal;
mod security;
mod sign_in;
mod sign_up;

pub use account::{AccountPage, AccountState, Confirmation};
pub use code::{CodePage, OpenLetter};
pub use home::HomePage;
pub use link::{ConfirmPage, LinkPage};
pub use mailbox::{Line, MailboxEntry, MailboxPage};
pub use refusal::{RefusalPage, heading};
pub use sign_in::SignInPage;
pub use sign_up::{SignUpInput, SignUpPage};
