//! Signals to a device about the passkeys of an account (WebAuthn Level 3, section 5.1.10), as JSON.

use crate::server::Unavailable;
use crate::server::auth::CurrentUser;
use crate::server::http::RequestContext;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted<'a> {
    rp_id: &'a str,
    user_id: String,
    all_accepted_credential_ids: &'a [String],
}

/// The JSON that tells a device which passkeys are valid.
pub fn accepted(context: &RequestContext, current: &CurrentUser, ids: &[String]) -> Result<String, Unavailable> {
    let rp_id = context.state.core().rp_id();
    let accepted = Accepted { rp_id, user_id: current.user.id.encode(), all_accepted_credential_ids: ids };
    json(&accepted)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    rp_id: &'a str,
    user_id: String,
    name: &'a str,
    display_name: &'a str,
}

/// The JSON that tells a device what the owner of its passkeys is called.
pub fn details(context: &RequestContext, current: &CurrentUser) -> Result<String, Unavailable> {
    let user = &current.user;
    let details = Details {
        rp_id: context.state.core().rp_id(),
        user_id: user.id.encode(),
        name: user.username.as_str(),
        display_name: user.display_name.as_str(),
    };
    json(&details)
}

/// Serializes a signal. It only contains strings, so this never fails in practice.
fn json(signal: &impl Serialize) -> Result<String, Unavailable> {
    serde_json::to_string(signal).map_err(|cause| Unavailable::new("signal", cause))
}
