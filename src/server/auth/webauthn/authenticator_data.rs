use super::cbor;
use super::json::Malformed;
use serde_cbor_2::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Authenticator data (WebAuthn Level 3, section 6.1), with the fields that the library neither exposes nor checks.
#[derive(Debug)]
pub struct AuthenticatorData<'a> {
    flags: u8,
    pub sign_count: u32,
    pub attested: Option<Attested<'a>>,
    /// Whether bytes follow the last field, which is not allowed.
    pub has_trailing_bytes: bool,
}

/// Attested credential data (section 6.5.1).
#[derive(Debug)]
pub struct Attested<'a> {
    pub aaguid: Uuid,
    pub credential_id: &'a [u8],
    key: BTreeMap<Value, Value>,
}

const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

impl<'a> AuthenticatorData<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (_rp_id_hash, rest) = bytes.split_at_checked(32).ok_or(Malformed)?;
        let (&[flags], rest) = rest.split_first_chunk::<1>().ok_or(Malformed)?;
        let (count, mut rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (parsed, after) = Attested::parse(rest)?;
            (attested, rest) = (Some(parsed), after);
        }
        if flags & EXTENSIONS != 0 {
            rest = cbor::item::<Value>(rest)?.1;
        }
        let sign_count = u32::from_be_bytes(*count);
        Ok(Self { flags, sign_count, attested, has_trailing_bytes: !rest.is_empty() })
    }

    pub fn backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    pub fn backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }

    /// Whether the backup flags are consistent: only an eligible passkey can be backed up (section 6.1.3).
    pub fn has_consistent_backup_flags(&self) -> bool {
        self.backup_eligible() || !self.backed_up()
    }
}

impl<'a> Attested<'a> {
    fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let (aaguid, rest) = bytes.split_first_chunk::<16>().ok_or(Malformed)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(Malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (credential_id, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        let (key, rest) = cbor::item(rest)?;
        Ok((Self { aaguid: Uuid::from_bytes(*aaguid), credential_id, key }, rest))
    }

    /// Whether the key has a requested type: ES256 on P-256, ES384 on P-384, or RS256 (COSE algorithms and curves of
    /// RFC 9053, sections 2.1 and 7.1, and RFC 8812, section 2).
    pub fn has_usable_key(&self) -> bool {
        let number = |label: i128| match self.key.get(&Value::Integer(label)) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        matches!(
            (number(1), number(3), number(-1)),
            (Some(2), Some(-7), Some(1)) | (Some(2), Some(-35), Some(2)) | (Some(3), Some(-257), _)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(flags: u8, tail: &[u8]) -> Vec<u8> {
        [&[0; 32][..], &[flags], &7_u32.to_be_bytes(), tail].concat()
    }

    #[test]
    fn truncated_data_is_malformed_and_trailing_bytes_are_detected() {
        let whole = data(0x05, &[]);
        for length in 0..whole.len() {
            assert!(AuthenticatorData::parse(&whole[..length]).is_err(), "{length}");
        }
        assert!(!AuthenticatorData::parse(&whole).unwrap().has_trailing_bytes);
        assert!(AuthenticatorData::parse(&data(0x05, &[0])).unwrap().has_trailing_bytes);
        assert!(AuthenticatorData::parse(&data(0x85, &[0xa0, 0])).unwrap().has_trailing_bytes);
        assert!(!AuthenticatorData::parse(&data(0x85, &[0xa0])).unwrap().has_trailing_bytes);
    }

    #[test]
    fn backed_up_without_being_eligible_is_inconsistent() {
        for (flags, sound) in [(0x05, true), (0x0d, true), (0x1d, true), (0x15, false)] {
            assert_eq!(
                AuthenticatorData::parse(&data(flags, &[])).unwrap().has_consistent_backup_flags(),
                sound,
                "{flags:#x}"
            );
        }
    }
}
