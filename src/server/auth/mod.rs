//! Sign-up, sign-in, and the management of accounts: one service for each noun.

pub mod account;
mod administration;
mod browser;
mod caller;
mod continuation;
pub mod email_delivery;
mod email_request;
mod email_sign_in;
mod error;
mod invitation;
mod new_session;
mod reauthentication;
mod recovery;
mod report;
mod sign_in;
mod sign_up;
pub mod view;
pub mod webauthn;

pub use account::{CurrentUser, Export, ResendOutcome, Revocation};
pub use administration::Administration;
pub use browser::Browsers;
pub use caller::Caller;
pub use continuation::{Continuations, Holder};
pub use email_delivery::EmailDelivery;
pub use email_request::{EmailRequests, Requested};
pub use email_sign_in::{EmailSignIn, LinkEffect};
pub use error::Error;
pub use invitation::{Invitations, NewInvitation};
pub use new_session::NewSession;
pub use reauthentication::{Reauthentication, RenewedSession};
pub use recovery::Recovery;
pub use report::Reports;
pub use sign_in::SignIn;
pub use sign_up::{SignUp, SignUpFields, SignUpForm};
pub use webauthn::{AuthenticationResponse, RegistrationResponse};
