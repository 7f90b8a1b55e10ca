use super::{NAMES, Problems};
use std::collections::BTreeMap;
use std::env::VarError;
use std::path::Path;

/// Where settings come from: the environment first, then `Leptos.toml`, each as text by name.
#[derive(Clone, Debug, Default)]
pub struct Source {
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    /// Problems with the sources themselves; reported together with those of the settings.
    problems: Problems,
}

/// Other variables that are read: the address that `cargo leptos watch` sets, and the log filter.
const ALSO_READ: [&str; 2] = ["LEPTOS_SITE_ADDR", "RUST_LOG"];

impl Source {
    /// Reads the environment of this process, and `file`, or else `Leptos.toml` if it exists.
    #[must_use]
    pub fn from_process(file: Option<&Path>) -> Self {
        let mut problems = Problems::default();
        let mut environment = BTreeMap::new();
        for name in NAMES.iter().copied().chain(ALSO_READ) {
            match std::env::var(name) {
                Ok(value) => drop(environment.insert(name.to_owned(), value)),
                Err(VarError::NotPresent) => {}
                Err(VarError::NotUnicode(_)) => problems.add(name, "invalid UTF-8", "UTF-8"),
            }
        }
        let default = Path::new("Leptos.toml");
        let file = file.or_else(|| default.exists().then_some(default));
        let file = file.map(|path| read_file(path, &mut problems)).unwrap_or_default();
        Self { environment, file, problems }
    }

    /// For tests and tools: the given settings, nothing from the process.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let environment = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { environment, ..Self::default() }
    }

    /// Problems with the sources of settings.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// The text of a setting; an empty one counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        [&self.environment, &self.file]
            .into_iter()
            .filter_map(|settings| settings.get(name))
            .map(|text| text.trim())
            .find(|text| !text.is_empty())
    }
}

fn read_file(path: &Path, problems: &mut Problems) -> BTreeMap<String, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse_file(path, &text, problems),
        Err(cause) => {
            file_problem(path, &cause.to_string(), problems);
            BTreeMap::new()
        }
    }
}

/// Parses the text of a settings file. Problems are: invalid TOML, a name that is not a setting, and a value that is
/// not text, a number or a boolean.
pub(super) fn parse_file(path: &Path, text: &str, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let table = text.parse::<toml::Table>().unwrap_or_else(|cause| {
        file_problem(path, cause.message(), problems);
        toml::Table::new()
    });
    for (name, value) in table {
        let value = match value {
            toml::Value::String(text) => Some(text),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Boolean(flag) => Some(if flag { "on" } else { "off" }.to_owned()),
            _ => None,
        };
        match value {
            _ if !NAMES.contains(&name.as_str()) => {
                problems.add(&name, format!("in {}", path.display()), "the names in docs/SETTINGS.md");
            }
            Some(value) => {
                settings.insert(name, value);
            }
            None => problems.add(&name, format!("a table or list in {}", path.display()), "text in quotes"),
        }
    }
    settings
}

fn file_problem(path: &Path, found: &str, problems: &mut Problems) {
    problems.add(&path.display().to_string(), found.lines().next().unwrap_or_default(), "a readable TOML file");
}
