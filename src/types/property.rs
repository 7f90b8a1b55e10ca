use super::{ApiError, Notice};

/// The properties of an island, by name.
#[derive(Clone, Debug, Default)]
pub struct PropertyMap(Vec<(&'static str, String)>);

impl PropertyMap {
    /// Adds a property; false flags and empty strings are omitted.
    pub fn put(&mut self, name: &'static str, property: impl Property) {
        if let Some(text) = property.into_attribute() {
            self.0.push((name, text));
        }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, text)| text.clone())
    }
}

impl IntoIterator for PropertyMap {
    type Item = (&'static str, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A value that the server writes into the page and an island reads.
pub trait Property: Sized {
    /// The attribute's value; `None` if the attribute is omitted.
    fn into_attribute(self) -> Option<String>;

    /// The inverse of [`Property::into_attribute`].
    fn from_attribute(value: Option<String>) -> Self;
}

impl Property for String {
    fn into_attribute(self) -> Option<String> {
        Some(self).filter(|text| !text.is_empty())
    }

    fn from_attribute(value: Option<String>) -> Self {
        value.unwrap_or_default()
    }
}

impl Property for bool {
    fn into_attribute(self) -> Option<String> {
        self.then(String::new)
    }

    fn from_attribute(value: Option<String>) -> Self {
        value.is_some()
    }
}

impl Property for u32 {
    fn into_attribute(self) -> Option<String> {
        Some(self.to_string())
    }

    fn from_attribute(value: Option<String>) -> Self {
        value.and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

impl Property for Option<ApiError> {
    fn into_attribute(self) -> Option<String> {
        self.map(|error| Notice::Refused(error).code())
    }

    fn from_attribute(value: Option<String>) -> Self {
        match Notice::parse(&value?) {
            Some(Notice::Refused(error)) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn assert_round_trip<P: Property + Clone + PartialEq + Debug>(property: P) {
        let copy = property.clone();
        assert_eq!(P::from_attribute(property.into_attribute()), copy);
    }

    #[test]
    fn properties_round_trip() {
        assert_round_trip(String::new());
        assert_round_trip("\"<&>' é\n".to_owned());
        assert_round_trip(true);
        assert_round_trip(false);
        assert_round_trip(0);
        assert_round_trip(u32::MAX);
        assert_round_trip::<Option<ApiError>>(None);
        assert_round_trip(Some(ApiError::UsernameTaken));
        assert_round_trip(Some(ApiError::TooManyRequests { retry_after: 17 }));
    }

    #[test]
    fn false_flags_are_omitted() {
        let mut given = PropertyMap::default();
        given.put("emails", false);
        given.put("seconds", 7);
        assert_eq!((given.get("emails"), given.get("seconds")), (None, Some("7".to_owned())));
    }
}
