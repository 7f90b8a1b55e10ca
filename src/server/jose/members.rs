use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The members of a JSON object. An object with a duplicate member is refused: parsers differ in which one they use
/// (RFC 8725, section 2.7).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members(BTreeMap<String, Value>);

/// The text is not a JSON object, or has a duplicate member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object with distinct members")]
pub struct NotAnObject;

impl Members {
    /// Parses a JSON object.
    ///
    /// # Errors
    /// [`NotAnObject`], also if there are bytes after the object.
    pub fn parse(json: &[u8]) -> Result<Self, NotAnObject> {
        serde_json::from_slice(json).map_err(|_| NotAnObject)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A string member; `None` if it is absent or has another type.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// An integer member, such as a time in seconds; `None` if it is absent or has another type.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Distinct)
    }
}

struct Distinct;

impl<'de> Visitor<'de> for Distinct {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_with_distinct_members_is_read() {
        let members = Members::parse(br#" {"a":"x","n":7,"o":{"b":1}} "#).unwrap();
        assert_eq!((members.text("a"), members.number("n"), members.text("n")), (Some("x"), Some(7), None));
        for wrong in ["", "[]", "7", "null", r#"{"a":1,"a":1}"#, r#"{"a":1}x"#, r#"{"a":1} {"#, r#"{"a":1,"\u0061":2}"#]
        {
            assert_eq!(Members::parse(wrong.as_bytes()), Err(NotAnObject), "{wrong}");
        }
    }
}
