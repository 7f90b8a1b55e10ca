//! The OpenID Connect provider, independent of HTTP: its decisions, its tokens, and its signing keys.

pub mod apps;
mod authorize;
pub mod claims;
mod client_authentication;
mod code;
mod decide;
mod discovery;
mod error;
mod hint;
mod id_token;
mod keys;
mod logout;
mod logout_token;
mod parameters;
mod pending;
mod redemption;
mod refresh;
mod request;
mod token;
mod userinfo;

pub use authorize::{Answer, Authorizations, Progress, Reading, ResolvedRequest, UnredirectableRequest, describe};
pub use client_authentication::ClientRequest;
pub use decide::{Decision, DecisionInput, SignedIn, decide};
pub use discovery::Discovery;
pub use error::{ErrorCode, Refusal};
pub use keys::SigningKeys;
pub use logout::{LogoutDecision, Logouts, Target};
pub use logout_token::logout_token;
pub use parameters::{Found, Parameters};
pub use pending::{Holder, PENDING_LIFE, Pending, PendingRequests};
pub use request::{AuthorizationRequest, NoRedirect, Prompt, ResponseMode, ReturnTo, return_to};
pub use token::{TokenResponse, Tokens};
pub use userinfo::Resources;
