//! Logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4).

use super::claims::seconds;
use super::keys::sign_for;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::logout::{LogoutNotice, TOKEN_LIFE};
use crate::server::model::oauth::Client;
use crate::server::model::signing_key::KeySet;
use serde_json::json;

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Signs a logout token with the application's algorithm.
///
/// # Errors
/// When the algorithm has no key, or the key cannot sign.
pub fn logout_token(core: &Core, keys: &KeySet, client: &Client, notice: &LogoutNotice) -> Result<String, Unavailable> {
    let now = core.now();
    let claims = json!({
        "iss": core.policy.issuer,
        "aud": notice.client_id,
        "iat": seconds(now),
        "exp": seconds(now.plus(TOKEN_LIFE)),
        "jti": core.token().encode(),
        "events": { EVENT: {} },
        "sub": notice.user.encode(),
        "sid": notice.sid,
    });
    sign_for(client, (keys, now), "logout+jwt", &claims)
}
