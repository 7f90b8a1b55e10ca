use super::{ApiError, Notice};

/// What the server gives the islands of a page, by name. Names have no capitals and no hyphens: HTML
/// writes them as they are, and scripts read them so.
#[derive(Clone, Debug, Default)]
pub struct Given(Vec<(&'static str, String)>);

impl Given {
    #[must_use]
    pub fn text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        debug_assert!(!name.contains(|character: char| character.is_uppercase() || character == '-'), "{name}");
        self.0.push((name, text.into()));
        self
    }

    /// Something that is so or not: given, or absent.
    #[must_use]
    pub fn flag(self, name: &'static str, is_so: bool) -> Self {
        if is_so { self.text(name, "") } else { self }
    }

    /// Why the last try was refused.
    #[must_use]
    pub fn refusal(self, refusal: Option<ApiError>) -> Self {
        match refusal {
            Some(error) => self.text(REFUSAL, Notice::Refused(error).code()),
            None => self,
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

/// The name of [`Given::refusal`].
pub const REFUSAL: &str = "refusal";
