//! What the documents and sample files say of the settings is what the program reads.

use latchkey::server::config::{Config, NAMES, Source};
use std::fs;

/// Names that a sample file mentions at the beginning of a line, commented out or not.
fn names_in(file: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let name = |line: &str| {
        let line = line.trim_start_matches("# ").trim_start_matches('#');
        let (name, _) = line.split_once('=')?;
        let name = name.trim();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        is_name.then(|| name.to_owned())
    };
    text.lines().filter_map(name).collect()
}

#[test]
fn both_sample_files_and_the_readme_list_every_setting_once() {
    for file in [".env.example", "Leptos.toml"] {
        let mut named = names_in(file);
        named.sort();
        let mut expected = NAMES.to_vec();
        expected.sort_unstable();
        assert_eq!(named, expected, "{file}");
    }
    let readme = fs::read_to_string("README.md").unwrap();
    for name in NAMES {
        assert!(readme.contains(&format!("| `{name}` |")), "README.md does not list {name}");
    }
}

#[test]
fn the_sample_files_can_be_used_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("Leptos.toml");
    fs::copy("Leptos.toml", &copy).unwrap();
    let source = Source::from_process(Some(&copy));
    Config::load(&source).unwrap();

    let env = fs::read_to_string(".env.example").unwrap();
    let set = env.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    Config::load(&Source::from_pairs(set)).unwrap();
}
