//! Signing up, signing in, and what people do with their own accounts: one service for each noun.

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

pub use account::{CurrentUser, Export, Revocation, SentAgain};
pub use caller::Caller;
pub use continuation::Holder;
pub use email_request::Requested;
pub use email_sign_in::LinkOffer;
pub use error::Error;
pub use new_session::NewSession;
pub use reauthentication::Renewed;
pub use sign_up::{SignUpFields, SignUpForm};
pub use webauthn::{AuthenticationAnswer, RegistrationAnswer};

use crate::server::Unavailable;
use crate::server::config::PublicUrl;
use crate::server::core::Core;
use account::{Activity, Address, Deletion, Exports, Passkeys, Profile, RecoveryCodes, Sessions};
use administration::Administration;
use browser::Browsers;
use continuation::Continuations;
use email_delivery::EmailDelivery;
use email_request::EmailRequests;
use email_sign_in::EmailSignIn;
use invitation::Invitations;
use reauthentication::Reauthentication;
use recovery::Recovery;
use report::Reports;
use sign_in::SignIn;
use sign_up::SignUp;
use std::sync::Arc;
use webauthn::{Ceremonies, RelyingParty};

/// The services, over one core, each in the file of its name.
pub struct Services {
    core: Arc<Core>,
    relying_party: RelyingParty,
}

macro_rules! services {
    ($($name:ident: $Service:ident $(+ $ceremonies:ident)?,)*) => {
        impl Services {$(
            #[must_use]
            pub fn $name(&self) -> $Service<'_> {
                $Service { core: &self.core, $($ceremonies: self.ceremonies(),)? }
            }
        )*}
    };
}

services! {
    activity: Activity,
    address: Address,
    administration: Administration,
    browsers: Browsers,
    continuations: Continuations,
    deletion: Deletion,
    email_delivery: EmailDelivery,
    email_requests: EmailRequests,
    email_sign_in: EmailSignIn,
    exports: Exports,
    invitations: Invitations,
    passkeys: Passkeys + ceremonies,
    profile: Profile,
    reauthentication: Reauthentication + ceremonies,
    recovery: Recovery,
    recovery_codes: RecoveryCodes,
    reports: Reports,
    sessions: Sessions,
    sign_in: SignIn + ceremonies,
    sign_up: SignUp + ceremonies,
}

impl Services {
    /// `name`: what the system's dialog calls this site.
    ///
    /// # Errors
    /// When the host of `public_url` cannot be a relying party's id.
    pub fn new(core: Core, public_url: &PublicUrl, name: &str) -> Result<Self, Unavailable> {
        Ok(Self { core: Arc::new(core), relying_party: RelyingParty::new(public_url, name)? })
    }

    #[must_use]
    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    fn ceremonies(&self) -> Ceremonies<'_> {
        Ceremonies { core: &self.core, relying_party: &self.relying_party }
    }
}
