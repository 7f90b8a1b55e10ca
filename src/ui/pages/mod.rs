mod account;
mod application;
mod apps;
mod code;
mod confirm;
mod create_passkey;
mod home;
mod link;
mod mailbox;
mod notification;
mod recovery;
mod refusal;
mod remembered;
mod sign_in;
mod sign_up;

pub use account::{
    AccountPage, ActivityContent, ActivityLine, ConfinedPage, Confirmation, Content, DeletedPage, Overview,
    PasskeysContent, ProfileContent, RefusedForm,
};
pub use application::{
    AppView, ChooseAccountPage, ConsentPage, ExplainPage, FormPostPage, NextStep, RedirectPage, RedirectProblem,
    RequestExpiredPage, SignOutPage, UnredirectableRequestPage,
};
pub use apps::{AppTile, AppsPage};
pub use code::{CodePage, PendingEmail};
pub use confirm::{IdentityPage, Proof};
pub use home::HomePage;
pub use link::{ConfirmPage, LinkPage, ReauthenticatePage};
pub use mailbox::{Line, MailboxItem, MailboxPage, OpenEmail};
pub use notification::{NotificationAction, NotificationDonePage, NotificationPage};
pub use recovery::{RecoveryCodesOwner, RecoveryCodesPage, UseRecoveryCodePage};
pub use refusal::{RefusalPage, SentForm, heading, message};
pub use sign_in::SignInPage;
pub use sign_up::{SignUpInput, SignUpPage};
