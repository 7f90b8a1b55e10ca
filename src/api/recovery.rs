use crate::types::ApiError;
use crate::types::views::{RecoveryCodes, SignedIn};
use leptos::server;
use server_fn::codec::Json;

/// Creates ten recovery codes, shown once; older ones stop working.
#[server(prefix = "/api", endpoint = "recovery/codes", input = Json, output = Json)]
pub async fn make_recovery_codes() -> Result<RecoveryCodes, ApiError> {
    use crate::server::http::request::RequestContext;

    let request = RequestContext::current();
    let current_user = request.require_user().await?;
    let codes = request.state.recovery_codes().replace(&current_user).await?;
    Ok(RecoveryCodes { codes: codes.iter().map(crate::server::model::recovery::RecoveryCode::expose).collect() })
}

/// Signs in with a recovery code; the next step is to create a passkey.
#[server(prefix = "/api", endpoint = "recovery/use", input = Json, output = Json)]
pub async fn use_recovery_code(identifier: String, code: String) -> Result<SignedIn, ApiError> {
    use crate::server::http::request::RequestContext;
    use crate::types::Next;

    let request = RequestContext::current();
    let new = request.state.recovery().sign_in(&identifier, &code, &request.caller()).await?;
    request.signed_in(&new, &Next::or_account(None))
}
