//! Documents and sample files match the program.

use latchkey::server::config::{NAMES, Source};
use latchkey::server::telemetry::meters;
use std::fs;
use std::path::Path;

/// The names of the settings in a sample file, commented out or not.
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
fn both_sample_files_and_the_manual_list_every_setting_once() {
    for file in [".env.example", "Leptos.toml"] {
        let mut named = names_in(file);
        // Docker Compose reads this one, not the program.
        named.retain(|name| name != "POSTGRES_PASSWORD");
        named.sort();
        let mut expected = NAMES.to_vec();
        expected.sort_unstable();
        assert_eq!(named, expected, "{file}");
    }
    let manual = fs::read_to_string("docs/SETTINGS.md").unwrap();
    for name in NAMES {
        assert!(manual.contains(&format!("| `{name}` |")), "docs/SETTINGS.md does not list {name}");
    }
}

#[test]
fn the_sample_files_are_valid_settings() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("Leptos.toml");
    fs::copy("Leptos.toml", &copy).unwrap();
    let source = Source::from_process(Some(&copy));
    latchkey::bootstrap::settings(&source).unwrap();

    let env = fs::read_to_string(".env.example").unwrap();
    let set = env.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    latchkey::bootstrap::settings(&Source::from_pairs(set)).unwrap();
}

/// The metric names in a text, without the suffixes that Prometheus adds.
fn metric_names(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names = words.filter(|word| word.starts_with("latchkey_"));
    let bare =
        |name: &str| ["_bucket", "_count", "_sum"].iter().fold(name.to_owned(), |name, end| name.replace(end, ""));
    names.map(bare).collect()
}

#[test]
fn the_dashboard_the_alerts_and_the_manual_match_the_metrics() {
    let manual = fs::read_to_string("docs/OPERATIONS.md").unwrap();
    for name in meters::NAMES {
        assert!(manual.contains(&format!("`{name}`")), "docs/OPERATIONS.md does not explain {name}");
    }
    for file in ["docs/OPERATIONS.md", "docs/observe/grafana-dashboard.json", "docs/observe/alerts.yml"] {
        let text = fs::read_to_string(file).unwrap();
        let found = metric_names(&text);
        assert!(!found.is_empty());
        for name in found {
            assert!(meters::NAMES.contains(&name.as_str()), "{file}: {name} is not a metric");
        }
    }
    serde_json::from_str::<serde_json::Value>(&fs::read_to_string("docs/observe/grafana-dashboard.json").unwrap())
        .unwrap();
}

#[test]
fn every_alert_links_to_a_section_of_the_manual() {
    let manual = fs::read_to_string("docs/OPERATIONS.md").unwrap();
    let chapters: Vec<_> = manual
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(|title| title.to_lowercase().replace(' ', "-"))
        .collect();
    let alerts = fs::read_to_string("docs/observe/alerts.yml").unwrap();
    let runbooks: Vec<_> = alerts.lines().filter_map(|line| line.split_once("docs/OPERATIONS.md#")).collect();
    assert_eq!(runbooks.len(), alerts.matches("- alert:").count());
    for (_, chapter) in runbooks {
        assert!(chapters.contains(&chapter.to_owned()), "{chapter}");
    }
}

/// All Rust code in a folder, concatenated.
fn code(folder: &str) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &code(path.to_str().unwrap());
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let code = code("tests") + &code("src");
    for file in ["docs/SECURITY.md", "docs/ASVS.md", "docs/RELIABILITY.md"] {
        let text = fs::read_to_string(file).unwrap();
        let named = text.split('`').skip(1).step_by(2);
        let is_test = |word: &&str| {
            word.matches('_').count() >= 2
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
        };
        for name in named.filter(is_test) {
            assert!(code.contains(&format!("fn {name}(")) || code.contains(&format!("\"{name}\"")), "{file}: {name}");
        }
    }
}

/// The paths of all files below a folder.
pub fn paths(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: std::path::PathBuf| {
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() { paths(&name) } else { vec![name] }
    };
    entries.flat_map(below).collect()
}

#[test]
fn every_file_that_the_documents_name_exists() {
    let files: Vec<_> = ["src", "tests", "benches", "end2end/tests"].into_iter().flat_map(paths).collect();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let words = text.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
        for name in words.filter(|word| word.strip_suffix(".rs").is_some_and(|name| !name.contains(['<', '…', '*'])))
        {
            let exists = files.iter().any(|file| file == name || file.ends_with(&format!("/{name}")));
            assert!(exists, "{document}: {name}");
        }
    }
}

#[test]
fn every_log_message_that_the_manual_names_exists() {
    let (code, text) = (code("src"), fs::read_to_string("docs/OPERATIONS.md").unwrap());
    let table = text.split("| message | level |").nth(1).unwrap().split("\n\n").next().unwrap();
    let named: Vec<_> = table.lines().skip(2).flat_map(|row| row.split('|').nth(1).unwrap().split('`')).collect();
    let messages: Vec<_> = named.into_iter().filter(|word| word.len() > 2).collect();
    assert!(messages.len() >= 10, "{messages:?}");
    for message in &messages {
        assert!(code.contains(&format!("\"{message}\"")), "no log message is {message:?}");
    }
    for call in code.split("tracing::error!(").skip(1) {
        let message = call.split(");").next().unwrap().split('"').rev().nth(1).unwrap();
        assert!(messages.contains(&message), "the manual does not list {message:?}, which is logged as an error");
    }
}

/// Every document.
pub fn documents() -> impl Iterator<Item = String> {
    let top_level = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned);
    paths("docs").into_iter().chain(top_level).filter(|name| has_extension(name, "md"))
}

pub fn has_extension(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found == extension)
}

/// The address of a heading within its page, as GitHub derives it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|character| character.is_alphanumeric() || "-_".contains(*character)).collect()
}

#[test]
fn every_link_in_the_documents_leads_to_a_file_and_a_heading() {
    let mut links = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let targets = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => Path::new(&document).to_owned(),
                file => Path::new(&document).parent().unwrap().join(file),
            };
            assert!(file.exists(), "{document} links to {target}");
            if !heading.is_empty() {
                let text = fs::read_to_string(file).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(headings.any(|found| found == heading), "{document} links to {target}");
            }
            links += 1;
        }
    }
    assert!(links > 50, "{links}");
}

#[test]
fn the_benchmarks_document_lists_the_enforced_budgets() {
    let (script, document) =
        (fs::read_to_string("end2end/bytes.ts").unwrap(), fs::read_to_string("docs/BENCHMARKS.md").unwrap());
    let budgets = script.lines().find(|line| line.contains("BUDGETS")).unwrap();
    let (_, budgets) = budgets.split_once("= {").unwrap();
    let mut seen = 0;
    for budget in budgets.trim_end_matches(" };").split(',') {
        let (page, kibibytes) = budget.trim().rsplit_once(": ").unwrap();
        let row = format!("| `{}` | ", page.trim_matches('"'));
        let row = document.lines().find(|line| line.starts_with(&row) && line.matches('|').count() == 9);
        assert!(row.is_some_and(|row| row.ends_with(&format!(" | {kibibytes} |"))), "{page}: {row:?}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}
