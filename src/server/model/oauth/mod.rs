//! The provider's data types: clients, their redirect URIs, scopes, grants and tokens.

mod claims;
pub mod client;
pub mod code_count;
pub mod grant;
mod redirect_uri;
mod scope;

pub use claims::{ClaimRule, RequestedClaims};
pub use client::{Client, ClientSecret, ConsentRule, Mismatch};
pub use grant::{Grant, GrantId, IssuedToken, RefreshToken};
pub use redirect_uri::{RedirectUri, RedirectUriError};
pub use scope::{Scope, Scopes};
