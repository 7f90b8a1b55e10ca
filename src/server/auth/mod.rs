//! The ceremonies and the policy: signing up, signing in, and the sessions they open.

mod account;
mod activity;
mod add_passkey;
mod address;
mod answer;
mod attestation;
mod authenticator_data;
mod authority;
mod cbor;
mod ceremony;
mod client_data;
mod invitation;
mod known_browser;
mod leaving;
mod letter;
mod letter_request;
mod limited;
mod operation;
mod profile;
mod reauthentication;
mod recovery;
mod registration;
mod relying_party;
mod security_letter;
mod session;
mod sign_in;
mod sign_up;

pub use account::{ManageError, Revocation};
pub use add_passkey::{BeginAddPasskeyError, FinishAddPasskeyError};
pub use address::{ConfirmError, SentAgain};
pub use answer::{AuthenticationAnswer, Malformed, RegistrationAnswer};
pub use authority::Denied;
pub use ceremony::Initiator;
pub use invitation::NotInvited;
pub use leaving::Export;
pub use letter::{AnswerError, LinkOffer};
pub use letter_request::{Asked, Asker, RequestEmailError, RequestSignUpError};
pub use reauthentication::{ReauthenticateError, Renewed, RequestReauthenticationError};
pub use recovery::RecoverError;
pub use relying_party::RelyingParty;
pub use security_letter::NotificationError;
pub use session::CurrentUser;
pub use sign_in::{BeginSignInError, FinishSignInError};
pub use sign_up::{BeginSignUpError, FinishSignUpError, SignUpFields, SignUpForm};

use crate::server::clock::Clock;
use crate::server::config::{EmailSignIn, SignUp};
use crate::server::ephemeral::Ephemeral;
use crate::server::keys::Keys;
use crate::server::limiter::Limiter;
use crate::server::model::{ClientAddress, Session, SessionLifetimes, User};
use crate::server::secret::{Entropy, Token};
use crate::server::store::Store;
use crate::types::{Language, views};
use std::sync::Arc;
use tokio::sync::Notify;

/// Everything a ceremony works with.
pub struct Auth {
    pub store: Arc<dyn Store>,
    pub ephemeral: Arc<dyn Ephemeral>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub relying_party: RelyingParty,
    pub lifetimes: SessionLifetimes,
    pub keys: Keys,
    pub limiter: Limiter,
    pub email_sign_in: EmailSignIn,
    /// Whether there is a way for letters to go at all.
    pub sends_email: bool,
    pub sign_up: SignUp,
    /// Whether nobody can sign up without an address.
    pub needs_address: bool,
    /// Rung when a letter was written.
    pub bell: Arc<Notify>,
    /// Wakes the job that removes the rows of deleted accounts.
    pub cleanup: Arc<Notify>,
}

/// What the browser that asks tells about itself and what it wishes.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub client: views::Client,
    pub language: Language,
    pub address: ClientAddress,
    /// The token that names the browser, for ceremonies.
    pub browser: Option<Token>,
    /// The token of the email request under way in this browser; it ends when a session begins.
    pub email: Option<Token>,
    /// The token of a browser that somebody signed in with before.
    pub known: Option<Token>,
    /// "Keep me signed in".
    pub keep: bool,
    /// The session that the browser had until now; it ends when a new one begins.
    pub previous: Option<Token>,
}

/// Somebody is signed in: the token goes into their cookie and nowhere else.
#[derive(Debug)]
pub struct NewSession {
    pub user: User,
    pub session: Session,
    pub token: Token,
    /// Under this the browser is remembered.
    pub known: Token,
}
