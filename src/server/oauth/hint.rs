//! ID tokens that applications send back as hints (OpenID Connect Core, section 3.1.2.1; RP-Initiated Logout 1.0,
//! section 2).

use super::keys::SigningKeys;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::jose::verify;
use crate::server::model::UserId;

/// The result of reading a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    Absent,
    /// One of our ID tokens, which may have expired.
    Of {
        user: UserId,
        sid: Option<String>,
        client_id: String,
    },
    Invalid,
}

/// Reads a hint.
///
/// # Errors
/// While the first signing keys are being generated.
pub fn read(core: &Core, token: &str) -> Result<Hint, Unavailable> {
    let keys = SigningKeys { core }.current()?;
    let Ok(claims) = verify(token, &["JWT"], &keys.hint_keys(core.now())) else { return Ok(Hint::Invalid) };
    let user = claims.text("sub").and_then(UserId::decode).filter(|_| claims.text("iss") == Some(&core.policy.issuer));
    let sid = claims.text("sid").map(str::to_owned);
    let of = user.zip(claims.text("aud"));
    Ok(of.map_or(Hint::Invalid, |(user, client_id)| Hint::Of { user, sid, client_id: client_id.to_owned() }))
}
