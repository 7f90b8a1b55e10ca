use super::provider::provider;
use super::session::Method;
use super::{Session, UserId};
use crate::server::clock::Timestamp;
use crate::types::views;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use uuid::Uuid;

/// The name an authenticator gave to a passkey: 1 to 1023 bytes (WebAuthn Level 3, section 4, "Credential ID").
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    const LENGTH: std::ops::RangeInclusive<usize> = 1..=1023;

    /// `None` when the length is not one a credential id can have.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        Self::LENGTH.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Reads a credential id as lists name it: base64url without padding.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().and_then(Self::new)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

/// A passkey of somebody's, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    pub credential_id: CredentialId,
    pub user_id: UserId,
    /// The relying party it was made for: it can sign in nowhere else.
    pub rp_id: String,
    /// What its owner calls it.
    pub name: String,
    /// What the library needs to verify with it: its own JSON, in the shape that `record_version` names.
    pub record: String,
    pub record_version: i64,
    /// The kind of authenticator; unattested, so for display only.
    pub aaguid: Uuid,
    /// As the browser told them, joined by commas; handed back in `excludeCredentials` and `allowCredentials`.
    pub transports: String,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

impl Passkey {
    /// What its owner may see of it, in one of their sessions.
    #[must_use]
    pub fn view(&self, session: &Session) -> views::Passkey {
        views::Passkey {
            id: URL_SAFE_NO_PAD.encode(self.credential_id.as_bytes()),
            name: self.name.clone(),
            provider: provider(self.aaguid).map(str::to_owned),
            created_at: self.created_at.to_rfc3339(),
            last_used_at: self.last_used_at.map(Timestamp::to_rfc3339),
            synced: self.backed_up,
            backup_eligible: self.backup_eligible,
            transports: self.transports.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            current: session.method == Method::Passkey(self.credential_id.clone()),
        }
    }

    /// Whether it lives in a phone or computer, not in a security key.
    #[must_use]
    pub fn lives_in_a_device(&self) -> bool {
        self.transports.split(',').any(|transport| matches!(transport, "internal" | "hybrid"))
    }
}

/// What one verified assertion told about a passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    pub record: String,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_id_has_one_to_1023_bytes() {
        assert_eq!(CredentialId::new(vec![]), None);
        assert!(CredentialId::new(vec![0; 1023]).is_some());
        assert_eq!(CredentialId::new(vec![0; 1024]), None);
    }
}
