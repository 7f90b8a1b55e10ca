use std::borrow::Cow;
use url::form_urlencoded;

/// The parameters of a query or a form, in their original order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

/// The values of one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Absent, or empty, which means the same (RFC 6749, section 3.1).
    Absent,
    One(&'a str),
    /// More than once, which is invalid (RFC 6749, section 3.1).
    Several,
}

impl<'a> Found<'a> {
    /// The value, if the parameter occurs exactly once.
    #[must_use]
    pub fn one(self) -> Option<&'a str> {
        match self {
            Self::One(value) => Some(value),
            Self::Absent | Self::Several => None,
        }
    }
}

impl Parameters {
    /// Parses a query or a form.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).map(|(name, value)| (owned(name), owned(value))).collect())
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Found<'_> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (None | Some(""), None) => Found::Absent,
            (Some(value), None) => Found::One(value),
            (_, Some(_)) => Found::Several,
        }
    }

    /// The value of a parameter that occurs exactly once and is not empty.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&str> {
        self.find(name).one()
    }

    /// Every value of a parameter that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first name that occurs more than once and is not among these.
    #[must_use]
    pub fn repeated(&self, repeatable: &[&str]) -> Option<&str> {
        let names = self.0.iter().map(|(name, _)| name.as_str());
        names
            .enumerate()
            .find(|(at, name)| !repeatable.contains(name) && self.0.iter().take(*at).any(|(known, _)| known == name))
            .map(|(_, name)| name)
    }

    /// Serializes the parameters as a query string.
    #[must_use]
    pub fn write(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// A copy without one of the parameters.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(known, _)| known != name).cloned().collect())
    }
}

fn owned(text: Cow<'_, str>) -> String {
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_parameter_is_absent_and_a_repeated_one_is_reported() {
        let parameters = Parameters::parse(b"a=1&b=&c=x%20y&c=2&resource=1&resource=2");
        assert_eq!(parameters.find("a"), Found::One("1"));
        assert_eq!((parameters.find("b"), parameters.find("z")), (Found::Absent, Found::Absent));
        assert_eq!(parameters.find("c"), Found::Several);
        assert_eq!(parameters.repeated(&["resource"]), Some("c"));
        assert_eq!(Parameters::parse(b"resource=1&resource=2").repeated(&["resource"]), None);
        assert_eq!(parameters.without("c").write(), "a=1&b=&resource=1&resource=2");
    }
}
