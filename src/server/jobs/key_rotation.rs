//! Makes the provider's signing keys, rotates them, and reads what other nodes made.

use crate::server::core::Core;
use crate::server::model::signing_key::READ_EVERY;
use crate::server::oauth::SigningKeys;
use std::sync::Arc;
use std::time::Duration;

/// After a failure, such as a database that is away.
const AGAIN: Duration = Duration::from_secs(2);

/// Works until the process ends: once a minute.
pub async fn run(core: Arc<Core>) {
    loop {
        let pause = match (SigningKeys { core: &core }).keep().await {
            Ok(()) => READ_EVERY,
            Err(cause) => {
                tracing::warn!(%cause, "signing key rotation failed");
                AGAIN
            }
        };
        tokio::time::sleep(pause).await;
    }
}
