//! Signatures of the provider: JWS in compact form, JWK and its thumbprint. No I/O. The key decides the algorithm
//! (docs/RULES.md, 14): `none`, HMAC and keys inside a token are not supported.

mod algorithm;
mod jwk;
mod jws;
mod members;
mod signing_key;

pub use algorithm::Algorithm;
pub use jwk::{KeyId, PublicKey};
pub use jws::{Invalid, VerifyingKey, sign, verify};
pub use members::{Members, NotAnObject};
pub use signing_key::{KeyError, SigningKey};
