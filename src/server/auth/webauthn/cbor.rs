//! Parses CBOR from authenticators, and refuses duplicate map keys, which the library's parser accepts.

use super::json::Malformed;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_cbor_2::Value;
use std::collections::BTreeSet;
use std::fmt;

/// Parses one item from the start of `bytes`, and returns it with the remaining bytes. The parser is the library's own,
/// so that both read the same values; but a map with a duplicate key is malformed (RFC 8949, section 5.6), where the
/// library takes the last value.
pub fn item<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Malformed> {
    read::<UniqueKeys>(bytes)?;
    read(bytes)
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Malformed> {
    let mut deserializer = serde_cbor_2::Deserializer::from_slice(bytes);
    let item = T::deserialize(&mut deserializer).map_err(|_| Malformed)?;
    let rest = bytes.get(deserializer.byte_offset()..).ok_or(Malformed)?;
    Ok((item, rest))
}

/// Any item without duplicate map keys at any depth.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeys)
    }
}

/// Visitor methods for values that contain no other values.
macro_rules! plain {
    ($($visit:ident: $kind:ty),* $(,)?) => {$(
        fn $visit<E: Error>(self, _: $kind) -> Result<Self, E> {
            Ok(self)
        }
    )*};
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item without duplicate map keys")
    }

    plain! {
        visit_bool: bool,
        visit_bytes: &[u8],
        visit_f64: f64,
        visit_i64: i64,
        visit_i128: i128,
        visit_str: &str,
        visit_u64: u64,
        visit_u128: u128,
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_none<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self, D::Error> {
        Self::deserialize(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Self, D::Error> {
        Self::deserialize(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = pairs.next_key::<Value>()? {
            pairs.next_value::<Self>()?;
            if !keys.insert(key) {
                return Err(A::Error::custom("duplicate map key"));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_are_malformed_at_any_depth() {
        for (bytes, is_well_formed) in [
            (&[0xa2, 0x61, b'a', 1, 0x61, b'b', 2][..], true),
            (&[0xa2, 0x61, b'a', 1, 0x61, b'a', 2], false),
            (&[0xa1, 1, 0xa2, 2, 3, 2, 3], false),
            (&[0x81, 0xa2, 2, 3, 2, 4], false),
            (&[0xa2, 0x20, 0xf6, 0x21, 0xf5], true),
            (&[0xa2, 0x20, 0xf6, 0x20, 0xf5], false),
        ] {
            assert_eq!(item::<Value>(bytes).is_ok(), is_well_formed, "{bytes:x?}");
        }
    }

    #[test]
    fn bytes_after_an_item_are_returned() {
        let (_, rest) = item::<Value>(&[0xa0, 7, 8]).unwrap();
        assert_eq!(rest, [7, 8]);
    }
}
