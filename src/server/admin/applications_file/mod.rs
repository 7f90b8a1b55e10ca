//! Reads groups and applications from `APPLICATIONS_FILE`, at startup and with `latchkey apps apply`. Its entries can
//! be changed only in the file; an application that is removed from it is disabled, not deleted.

mod apply;
mod members;
mod read;

pub use apply::{Applied, ApplyReport, Outcome};

use super::ApplicationChange;
use crate::server::model::application::Audience;
use crate::server::model::{ApplicationId, GroupName};
use crate::server::secret::Secret;
use crate::types::DisplayName;
use std::fmt;
use std::path::{Path, PathBuf};

/// The maximum file size in bytes, enough for a thousand applications.
const MAX_BYTES: u64 = 1024 * 1024;

/// A file without mistakes, as far as can be checked without the database.
#[derive(Debug)]
pub struct ApplicationsFile {
    path: PathBuf,
    groups: Vec<GroupEntry>,
    applications: Vec<ApplicationEntry>,
}

/// A group in the file.
#[derive(Debug)]
struct GroupEntry {
    name: GroupName,
    title: Option<DisplayName>,
    is_default: bool,
}

/// An application in the file; values that the change leaves out have their defaults.
#[derive(Debug)]
struct ApplicationEntry {
    line: usize,
    id: ApplicationId,
    name: DisplayName,
    change: ApplicationChange,
    /// Secrets that the administrator chose; `None` if the file names none.
    secrets: Option<Vec<Secret<String>>>,
}

impl ApplicationEntry {
    /// The client id, which defaults to the application id.
    fn client_id(&self) -> &str {
        self.change.client.client_id.as_deref().unwrap_or(self.id.as_str())
    }

    /// The groups that may use the application.
    fn groups(&self) -> impl Iterator<Item = &GroupName> {
        let names = match &self.change.who {
            Some(Audience::Groups(names)) => Some(names),
            _ => None,
        };
        names.into_iter().flatten()
    }
}

/// A mistake and its line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub line: usize,
    pub what: String,
}

/// Every mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    file: String,
    list: Vec<Mistake>,
}

impl Mistakes {
    fn new(file: &Path, mut list: Vec<Mistake>) -> Self {
        list.sort_by_key(|mistake| mistake.line);
        Self { file: file.display().to_string(), list }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.list.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, file) = (self.list.len(), &self.file);
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "{file} has {count} {noun}; nothing was applied")?;
        self.list.iter().try_for_each(|Mistake { line, what }| write!(f, "\n  line {line}: {what}"))
    }
}

impl std::error::Error for Mistakes {}
