use super::{NAMES, Problems};
use std::collections::BTreeMap;
use std::path::Path;

/// Where settings come from: the environment first, then `Leptos.toml`, each as text by name.
#[derive(Clone, Debug, Default)]
pub struct Source {
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
}

/// Names beside our own that are read: the address `cargo leptos watch` gives out.
const ALSO_READ: &str = "LEPTOS_SITE_ADDR";

impl Source {
    /// Takes the environment of this process, and the file when it is named or there.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or holds a name that is no setting.
    pub fn from_process(file: Option<&Path>) -> Result<Self, Problems> {
        let read = NAMES.iter().copied().chain([ALSO_READ]);
        let environment = read.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect();
        let default = Path::new("Leptos.toml");
        let file = match file {
            Some(path) => read_file(path)?,
            None if default.exists() => read_file(default)?,
            None => BTreeMap::new(),
        };
        Ok(Self { environment, file })
    }

    /// For tests and tools: settings as given, nothing from the process.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let environment = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { environment, file: BTreeMap::new() }
    }

    /// The text of a setting; one that is empty counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        [&self.environment, &self.file]
            .into_iter()
            .filter_map(|settings| settings.get(name))
            .map(|text| text.trim())
            .find(|text| !text.is_empty())
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, Problems> {
    let text = std::fs::read_to_string(path).map_err(|cause| file_problem(path, &cause.to_string()))?;
    parse_file(path, &text)
}

/// Reads the settings out of a file's text.
///
/// # Errors
/// When it is not TOML, holds a name that is no setting, or a value that is neither text, number nor boolean.
pub(super) fn parse_file(path: &Path, text: &str) -> Result<BTreeMap<String, String>, Problems> {
    let table = text.parse::<toml::Table>().map_err(|cause| file_problem(path, cause.message()))?;
    let mut settings = BTreeMap::new();
    let mut problems = Problems::default();
    for (name, value) in table {
        let value = match value {
            toml::Value::String(text) => Some(text),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Boolean(flag) => Some(if flag { "on" } else { "off" }.to_owned()),
            _ => None,
        };
        match value {
            _ if !NAMES.contains(&name.as_str()) => {
                problems.add(&name, format!("in {}", path.display()), "the names of the settings table in README.md");
            }
            Some(value) => {
                settings.insert(name, value);
            }
            None => problems.add(&name, format!("a table or list in {}", path.display()), "text in quotes"),
        }
    }
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

fn file_problem(path: &Path, found: &str) -> Problems {
    let mut problems = Problems::default();
    problems.add(&path.display().to_string(), found.lines().next().unwrap_or_default(), "a readable TOML file");
    problems
}
