//! The commands that a Leptos developer expects: what cargo-leptos reads from Cargo.toml fits the project.

use std::fs;
use std::path::Path;
use toml::{Table, Value};

fn manifest() -> Table {
    fs::read_to_string("Cargo.toml").unwrap().parse().unwrap()
}

fn leptos(manifest: &Table) -> &Table {
    manifest["package"]["metadata"]["leptos"].as_table().unwrap()
}

#[test]
fn cargo_leptos_builds_serves_watches_and_tests_this_project() {
    let manifest = manifest();
    let leptos = leptos(&manifest);
    let text = |name: &str| leptos[name].as_str().unwrap().to_owned();
    // `build`, `serve` and `watch`: features and files that exist.
    for (list, side) in [("bin-features", "ssr"), ("lib-features", "hydrate")] {
        assert_eq!(leptos[list].as_array().unwrap(), &[Value::String(side.to_owned())]);
        assert!(manifest["features"].as_table().unwrap().contains_key(side), "{side}");
    }
    for default in ["bin-default-features", "lib-default-features"] {
        assert_eq!(leptos[default], Value::Boolean(false));
    }
    assert!(manifest["profile"].as_table().unwrap().contains_key(&text("lib-profile-release")));
    for path in [text("tailwind-input-file"), text("assets-dir"), text("end2end-dir")] {
        assert!(Path::new(&path).exists(), "{path}");
    }
    for folder in leptos["watch-additional-files"].as_array().unwrap() {
        assert!(Path::new(folder.as_str().unwrap()).is_dir(), "{folder}");
    }
    assert_eq!(text("site-addr"), "127.0.0.1:3000", "the address of docs/SETTINGS.md");
}

#[test]
fn end_to_end_tests_run_in_their_folder_with_the_servers_that_they_need() {
    let manifest = manifest();
    let leptos = leptos(&manifest);
    assert_eq!(leptos["end2end-cmd"].as_str(), Some("npx playwright test"));
    let folder = Path::new(leptos["end2end-dir"].as_str().unwrap());
    let config = fs::read_to_string(folder.join("playwright.config.ts")).unwrap();
    let setup = config.split("globalSetup: \"./").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let starts = fs::read_to_string(folder.join(setup)).unwrap();
    assert!(starts.contains("scripts/with-backends") && Path::new("scripts/with-backends").exists(), "{setup}");
}

#[test]
fn the_readme_names_these_commands() {
    let readme = fs::read_to_string("README.md").unwrap();
    let developers = readme.split("## For developers").nth(1).unwrap();
    for command in ["cargo leptos watch", "`serve`", "`test`", "`end-to-end`", "npx playwright test", "make tools"] {
        assert!(developers.contains(command), "{command}");
    }
    let makefile = fs::read_to_string("Makefile").unwrap();
    assert!(makefile.contains("\ntools:"), "make tools");
}
