//! Architecture rules: imports point one way, each library has one place, both databases have the same migrations.

use std::fs;
use std::path::{Path, PathBuf};

/// The sources in a folder, or a single source file.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    if Path::new(folder).is_file() {
        return vec![(PathBuf::from(folder), fs::read_to_string(folder).unwrap())];
    }
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The layers, lowest first, each with its import path.
const LAYERS: [(&str, &str); 32] = [
    ("src/types", "crate::types"),
    ("src/server/unavailable.rs", "crate::server::Unavailable"),
    ("src/server/clock.rs", "crate::server::clock"),
    ("src/server/secret.rs", "crate::server::secret"),
    ("src/server/keys", "crate::server::keys"),
    ("src/server/jose", "crate::server::jose"),
    ("src/server/model", "crate::server::model"),
    ("src/server/telemetry", "crate::server::telemetry"),
    ("src/server/config", "crate::server::config"),
    ("src/server/outbound", "crate::server::outbound"),
    ("src/server/store", "crate::server::store"),
    ("src/server/ephemeral", "crate::server::ephemeral"),
    ("src/server/limiter.rs", "crate::server::limiter"),
    ("src/server/core.rs", "crate::server::core"),
    ("src/server/mail", "crate::server::mail"),
    ("src/server/access", "crate::server::access"),
    ("src/server/auth", "crate::server::auth"),
    ("src/server/oauth", "crate::server::oauth"),
    ("src/server/admin", "crate::server::admin"),
    ("src/server/services.rs", "crate::server::services"),
    ("src/server/jobs", "crate::server::jobs"),
    ("src/server/http", "crate::server::http"),
    ("src/bootstrap.rs", "crate::bootstrap"),
    ("src/stderr.rs", "crate::stderr"),
    ("src/serve.rs", "crate::serve"),
    ("src/operator", "crate::operator"),
    ("src/api", "crate::api"),
    ("src/browser", "crate::browser"),
    ("src/ui", "crate::ui"),
    ("src/web", "crate::web"),
    ("src/extend.rs", "crate::extend"),
    ("src/router.rs", "crate::router"),
];

/// Every path in an import tree such as `crate::{types, server::{auth, http}}`.
fn paths_of(tree: &str) -> Vec<String> {
    let Some((head, group)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let (mut depth, mut items) = (0, vec![String::new()]);
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        items.last_mut().unwrap().push(character);
    }
    items
        .iter()
        .filter(|item| !item.trim().is_empty())
        .flat_map(|item| paths_of(&format!("{}{}", head.trim(), item.trim())))
        .collect()
}

/// A source with its grouped imports expanded.
fn expand_imports(text: &str) -> String {
    let trees = text.split("use crate::").skip(1).map(|rest| rest.split(';').next().unwrap_or_default());
    let paths = trees.flat_map(|tree| paths_of(&format!("crate::{}", tree.trim())));
    text.to_owned() + "\n" + &paths.collect::<Vec<_>>().join("\n")
}

/// Whether a text contains a path, other than as a prefix of a longer name.
fn names(text: &str, path: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    text.match_indices(path).any(|(at, _)| !goes_on(&text[at + path.len()..]))
}

#[test]
fn the_architecture_document_lists_the_same_layers() {
    let manual = fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let line = manual.lines().find(|line| line.starts_with("`types` ←")).unwrap();
    let named: Vec<_> = line.split('`').skip(1).step_by(2).filter(|name| *name != "main").collect();
    let layers = LAYERS.map(|(folder, _)| folder.trim_start_matches("src/").trim_end_matches(".rs"));
    assert_eq!(named, layers);
}

/// `super::` paths could bypass the check of `crate::` paths.
#[test]
fn no_super_path_leaves_its_layer() {
    for (layer, _) in LAYERS {
        let depth = |path: &Path| path.strip_prefix(layer).map_or(0, |within| within.components().count());
        for (path, text) in sources(layer) {
            // A file next to `mod.rs` may go up to its folder; each folder in between allows one more step.
            let is_module = path.ends_with("mod.rs");
            let steps = depth(&path) - usize::from(is_module && depth(&path) > 0);
            let (text, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
            assert!(!text.contains(&"super::".repeat(steps + 1)), "{} leaves its layer", path.display());
        }
    }
}

#[test]
fn imports_point_to_lower_layers_only() {
    for (layer, (folder, _)) in LAYERS.iter().enumerate() {
        for (path, text) in sources(folder) {
            let text = expand_imports(&text);
            for (_, above) in &LAYERS[layer + 1..] {
                assert!(!names(&text, above), "{} imports {above}", path.display());
            }
        }
    }
}

/// In lines.
const MAX_FILE_LINES: usize = 300;

#[test]
fn no_file_exceeds_the_maximum_length() {
    for (path, text) in sources("src") {
        let lines = text.lines().count();
        assert!(lines <= MAX_FILE_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_file_belongs_to_a_layer() {
    // These files connect the layers; the compiler checks their contents.
    let glue = ["src/base.rs", "src/lib.rs", "src/main.rs", "src/server/mod.rs"].map(PathBuf::from);
    for (path, _) in sources("src") {
        let has_layer = LAYERS.iter().any(|(layer, _)| path.starts_with(layer));
        assert!(has_layer || glue.contains(&path), "{}", path.display());
    }
}

#[test]
fn grouped_imports_are_expanded() {
    let text = expand_imports("use crate::{types::{self, ApiError}, server::{http::{AppState}, auth}};");
    for path in ["crate::types::self", "crate::types::ApiError", "crate::server::http::AppState", "crate::server::auth"]
    {
        assert!(text.lines().any(|line| line == path), "{path}: {text}");
    }
}

#[test]
fn the_two_stores_do_not_import_each_other() {
    for (folder, other) in
        [("src/server/store", "crate::server::ephemeral"), ("src/server/ephemeral", "crate::server::store")]
    {
        for (path, text) in sources(folder) {
            assert!(!text.contains(other), "{} imports {other}", path.display());
        }
    }
}

#[test]
fn conditional_compilation_is_at_module_boundaries_only() {
    let allowed = ["src/base.rs", "src/lib.rs", "src/main.rs", "src/browser/mod.rs"].map(PathBuf::from);
    for (path, text) in sources("src") {
        assert!(
            allowed.contains(&path) || !text.contains("cfg(feature") && !text.contains("cfg(not(feature"),
            "{}",
            path.display()
        );
    }
}

/// The server drops a page on a different thread than it rendered it on. A thread-bound value panics there, and the
/// connection closes without a response.
#[test]
fn pages_hold_no_thread_bound_values() {
    for (path, text) in sources("src") {
        for name in ["new_local", "LocalStorage", "LocalResource", "SendWrapper"] {
            assert!(path.starts_with("src/browser/web") || !text.contains(name), "{} has {name}", path.display());
        }
    }
}

#[test]
fn each_library_is_used_in_one_module() {
    let allowed_folders = [
        ("sqlx::", "src/server/store"),
        ("redis::", "src/server/ephemeral"),
        ("lettre::transport", "src/server/mail"),
        ("askama::", "src/server/mail"),
        ("webauthn_rs", "src/server/auth"),
        ("web_sys::", "src/browser"),
    ];
    for (path, text) in sources("src") {
        for (library, allowed_folder) in allowed_folders {
            // The log filter names the library without using it.
            let is_filter = path.ends_with("telemetry/mod.rs") && library == "webauthn_rs";
            assert!(
                is_filter || path.starts_with(allowed_folder) || !text.contains(library),
                "{} uses {library}",
                path.display()
            );
        }
    }
}

#[test]
fn the_ceremonies_import_neither_a_web_framework_nor_a_database() {
    for (path, text) in sources("src/server/auth") {
        for library in ["axum", "leptos", "sqlx", "redis"] {
            assert!(!text.contains(&format!("{library}::")), "{} uses {library}", path.display());
        }
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder| {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert!(!names("migrations/postgres").is_empty());
    assert_eq!(names("migrations/postgres"), names("migrations/sqlite"));
}

#[test]
fn cargo_and_cargo_leptos_use_the_same_output_name() {
    let value = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().find_map(|line| Some(line.strip_prefix(key)?.trim_start_matches([' ', '=']).to_owned())).unwrap()
    };
    assert_eq!(value(".cargo/config.toml", "LEPTOS_OUTPUT_NAME"), value("Cargo.toml", "output-name"));
}

#[test]
fn intervals_skip_ticks_missed_while_the_machine_was_suspended() {
    let mut seen = 0;
    for (path, text) in sources("src") {
        let intervals = text.matches("interval(").count() - text.matches("fn interval(").count();
        let skipping = text.matches("set_missed_tick_behavior(").count();
        let skips = text.matches("MissedTickBehavior::Skip)").count();
        assert!(intervals == skipping && skipping == skips, "{}: {intervals} intervals", path.display());
        seen += intervals;
    }
    assert!(seen >= 2, "{seen}");
}
