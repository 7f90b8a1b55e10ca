//! The services of the server: one accessor per service; all share one `Core`.

use crate::server::Unavailable;
use crate::server::access::Access;
use crate::server::admin::{Applications, Clients, Groups, Roles};
use crate::server::auth::account::{Activity, Address, Deletion, Exports, Passkeys, Profile, RecoveryCodes, Sessions};
use crate::server::auth::webauthn::{Ceremonies, RelyingParty};
use crate::server::auth::{
    Administration, Browsers, Continuations, EmailDelivery, EmailRequests, EmailSignIn, Invitations, Reauthentication,
    Recovery, Reports, SignIn, SignUp,
};
use crate::server::config::PublicUrl;
use crate::server::core::Core;
use crate::server::oauth::apps::UserApplications;
use crate::server::oauth::{Authorizations, Logouts, PendingRequests, Resources, SigningKeys, Tokens};
use std::sync::Arc;

/// The services, which share one core; each is in the file of its name.
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
    access: Access,
    activity: Activity,
    address: Address,
    administration: Administration,
    applications: Applications,
    authorizations: Authorizations,
    browsers: Browsers,
    clients: Clients,
    continuations: Continuations,
    deletion: Deletion,
    email_delivery: EmailDelivery,
    email_requests: EmailRequests,
    email_sign_in: EmailSignIn,
    exports: Exports,
    groups: Groups,
    invitations: Invitations,
    logouts: Logouts,
    passkeys: Passkeys + ceremonies,
    pending_requests: PendingRequests,
    profile: Profile,
    reauthentication: Reauthentication + ceremonies,
    recovery: Recovery,
    recovery_codes: RecoveryCodes,
    reports: Reports,
    resources: Resources,
    roles: Roles,
    sessions: Sessions,
    sign_in: SignIn + ceremonies,
    sign_up: SignUp + ceremonies,
    signing_keys: SigningKeys,
    tokens: Tokens,
    user_applications: UserApplications,
}

impl Services {
    /// `name`: the site's name in the system's passkey dialog.
    ///
    /// # Errors
    /// When the host of `public_url` cannot be a relying party ID.
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
