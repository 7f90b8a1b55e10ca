use std::fmt;

/// A problem with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub setting: String,
    /// The value that was found; never a secret.
    pub found: String,
    /// The values that are accepted.
    pub accepted: String,
}

/// All problems, in the order of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub fn add(&mut self, setting: &str, found: impl Into<String>, accepted: impl Into<String>) {
        self.0.push(Problem { setting: setting.to_owned(), found: found.into(), accepted: accepted.into() });
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "setting is" } else { "settings are" };
        writeln!(f, "latchkey cannot start: {} {noun} invalid.", self.0.len())?;
        for Problem { setting, found, accepted } in &self.0 {
            writeln!(f, "  {setting}: found {found}; accepted: {accepted}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
