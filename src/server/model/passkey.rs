use super::UserId;
use crate::server::clock::Timestamp;
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

/// What one verified assertion told about a passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    pub record: String,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
    pub at: Timestamp,
}

/// Whether a signature counter may follow another: it grows, or the authenticator does not count at all
/// (WebAuthn Level 3, section 7.2, step 22).
#[must_use]
pub fn counter_may_follow(stored: u32, asserted: u32) -> bool {
    asserted > stored || (stored == 0 && asserted == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_grows_or_stays_at_zero() {
        for (stored, asserted, may) in
            [(0, 0, true), (0, 1, true), (7, 8, true), (7, 7, false), (7, 6, false), (7, 0, false)]
        {
            assert_eq!(counter_may_follow(stored, asserted), may, "{stored} then {asserted}");
        }
    }

    #[test]
    fn a_credential_id_has_one_to_1023_bytes() {
        assert_eq!(CredentialId::new(vec![]), None);
        assert!(CredentialId::new(vec![0; 1023]).is_some());
        assert_eq!(CredentialId::new(vec![0; 1024]), None);
    }
}
