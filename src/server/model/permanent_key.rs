use crate::server::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key that is created once and never rotated, for values that must never change.
#[derive(Clone, Debug)]
pub struct PermanentKey(pub Secret<[u8; 32]>);

impl PermanentKey {
    /// HMAC-SHA-256. Each part is prefixed with its length, so that different lists never give the same bytes.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 2)")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).expect("a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}
