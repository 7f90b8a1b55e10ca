use super::{ApiError, Notice};

/// The properties of an island, by name.
#[derive(Clone, Debug, Default)]
pub struct Given(Vec<(&'static str, String)>);

impl Given {
    /// Writes a property; a false flag is omitted.
    pub fn put(&mut self, name: &'static str, property: impl Property) {
        if let Some(text) = property.written() {
            self.0.push((name, text));
        }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, text)| text.clone())
    }
}

impl IntoIterator for Given {
    type Item = (&'static str, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A value that the server writes into the page and an island reads.
pub trait Property: Sized {
    /// `None` if the attribute is omitted.
    fn written(self) -> Option<String>;

    /// Reads what [`Property::written`] wrote.
    fn read(written: Option<String>) -> Self;
}

impl Property for String {
    fn written(self) -> Option<String> {
        Some(self).filter(|text| !text.is_empty())
    }

    fn read(written: Option<String>) -> Self {
        written.unwrap_or_default()
    }
}

impl Property for bool {
    fn written(self) -> Option<String> {
        self.then(String::new)
    }

    fn read(written: Option<String>) -> Self {
        written.is_some()
    }
}

impl Property for u32 {
    fn written(self) -> Option<String> {
        Some(self.to_string())
    }

    fn read(written: Option<String>) -> Self {
        written.and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

impl Property for Option<ApiError> {
    fn written(self) -> Option<String> {
        self.map(|error| Notice::Refused(error).code())
    }

    fn read(written: Option<String>) -> Self {
        match Notice::parse(&written?) {
            Some(Notice::Refused(error)) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn comes_back<P: Property + Clone + PartialEq + Debug>(property: P) {
        let copy = property.clone();
        assert_eq!(P::read(property.written()), copy);
    }

    #[test]
    fn every_property_comes_back_as_it_was() {
        comes_back(String::new());
        comes_back("\"<&>' é\n".to_owned());
        comes_back(true);
        comes_back(false);
        comes_back(0);
        comes_back(u32::MAX);
        comes_back::<Option<ApiError>>(None);
        comes_back(Some(ApiError::UsernameTaken));
        comes_back(Some(ApiError::TooManyRequests { retry_after: 17 }));
    }

    #[test]
    fn what_is_not_so_is_not_written() {
        let mut given = Given::default();
        given.put("emails", false);
        given.put("seconds", 7);
        assert_eq!((given.get("emails"), given.get("seconds")), (None, Some("7".to_owned())));
    }
}
