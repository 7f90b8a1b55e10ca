use super::columns::TextTable;
use super::{Failure, Output, json_line, write};
use crate::server::clock::Timestamp;
use crate::server::jose::KeyId;
use crate::server::services::Services;
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

#[derive(Subcommand)]
pub enum SigningKeys {
    /// Lists the keys that sign tokens for applications
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Creates new keys, which start signing after 24 hours, once applications have fetched them
    Rotate {
        /// Replace all keys immediately, even if SECRET_KEY cannot decrypt them; applications reject older tokens
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Revokes a key: it no longer signs or verifies tokens
    Revoke {
        #[arg(allow_hyphen_values = true)]
        kid: String,
        #[command(flatten)]
        output: Output,
    },
}

/// A key in JSON output.
#[derive(Serialize)]
struct Line<'a> {
    kid: &'a str,
    algorithm: &'static str,
    state: &'static str,
    created_at: String,
    signs_from: String,
    revoked_at: Option<String>,
}

pub async fn run(command: SigningKeys, services: &Services) -> Result<(), Failure> {
    let keys = services.signing_keys();
    match command {
        SigningKeys::List { json } => {
            let mut table = TextTable::headed(["kid", "algorithm", "state", "signs from"]);
            for (key, phase) in keys.list().await? {
                let line = Line {
                    kid: key.id.as_str(),
                    algorithm: key.algorithm().name(),
                    state: phase.name(),
                    created_at: key.created_at.to_rfc3339(),
                    signs_from: key.signs_from.to_rfc3339(),
                    revoked_at: key.revoked_at.map(Timestamp::to_rfc3339),
                };
                if json {
                    json_line(&line)?;
                } else {
                    table.add([line.kid, line.algorithm, line.state, &line.signs_from].map(str::to_owned));
                }
            }
            if json { Ok(()) } else { write(&table) }
        }
        SigningKeys::Rotate { force, output } => {
            let made = if force { keys.replace().await? } else { keys.rotate().await? };
            let sentence = match made.len() {
                0 => "new keys already exist and start signing within 24 hours".to_owned(),
                count if force => {
                    format!("replaced all signing keys with {count} new ones; running servers load them in a minute")
                }
                count => format!("created {count} keys, which start signing after 24 hours"),
            };
            output.report(&json!({ "made": made.iter().map(KeyId::as_str).collect::<Vec<_>>() }), &sentence)
        }
        SigningKeys::Revoke { kid, output } => {
            if !keys.revoke(&KeyId::from_text(&kid)).await? {
                return Err(Failure::Message(format!("there is no signing key {kid}")));
            }
            let sentence = format!("revoked signing key {kid}; running servers stop using it within a minute");
            output.report(&json!({ "kid": kid, "revoked": true }), &sentence)
        }
    }
}
