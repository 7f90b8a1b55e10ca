//! WebAuthn: the checks that the library does not make, and the state of pending ceremonies.

mod assertion;
mod attestation;
mod authenticator_data;
mod cbor;
mod ceremony;
mod client_data;
mod json;
mod registration;
mod relying_party;
mod response;

pub use assertion::Assertion;
pub use attestation::Refused;
pub use authenticator_data::AuthenticatorData;
pub use ceremony::{Ceremonies, NewCeremony, Purpose};
pub use client_data::ClientData;
pub use registration::NewCredential;
pub use relying_party::RelyingParty;
pub use response::{AuthenticationResponse, RegistrationResponse};
