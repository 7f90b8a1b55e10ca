//! Creates and rotates the provider's signing keys, and reads those that other nodes created.

use crate::server::core::Core;
use crate::server::model::signing_key::KEY_READ_INTERVAL;
use crate::server::oauth::SigningKeys;
use std::sync::Arc;
use std::time::Duration;

/// Pause after a failure, such as an unavailable database.
const AGAIN: Duration = Duration::from_secs(2);

/// Runs once a minute until the process ends.
pub async fn run(core: Arc<Core>) {
    loop {
        let pause = match (SigningKeys { core: &core }).maintain().await {
            Ok(()) => KEY_READ_INTERVAL,
            Err(cause) => {
                tracing::warn!(%cause, "signing key rotation failed");
                AGAIN
            }
        };
        tokio::time::sleep(pause).await;
    }
}
