//! The commands that a Leptos developer expects: the cargo-leptos settings in Cargo.toml match the project.

use std::fs;
use std::path::Path;
use toml::{Table, Value};

fn manifest_in(folder: &str) -> Table {
    fs::read_to_string(Path::new(folder).join("Cargo.toml")).unwrap().parse().unwrap()
}

fn manifest() -> Table {
    manifest_in("")
}

fn leptos(manifest: &Table) -> &Table {
    manifest["workspace"]["metadata"]["leptos"][0].as_table().unwrap()
}

#[test]
fn cargo_leptos_builds_serves_watches_and_tests_this_project() {
    let manifest = manifest();
    let leptos = leptos(&manifest);
    let text = |name: &str| leptos[name].as_str().unwrap().to_owned();
    // `build`, `serve` and `watch`: features and files that exist.
    let front = manifest_in("front");
    let same_crate = &front["dependencies"]["latchkey"];
    for (side, features, default) in [
        ("ssr", &leptos["bin-features"], &leptos["bin-default-features"]),
        ("hydrate", &same_crate["features"], &same_crate["default-features"]),
    ] {
        assert_eq!(features.as_array().unwrap(), &[Value::String(side.to_owned())]);
        assert_eq!(default, &Value::Boolean(false), "{side}");
        assert!(manifest["features"].as_table().unwrap().contains_key(side), "{side}");
    }
    for (package, manifest) in [("bin-package", &manifest), ("lib-package", &front)] {
        assert_eq!(manifest["package"]["name"].as_str(), Some(text(package).as_str()));
    }
    // Separate packages: neither side waits for the other to link, and each is optimised as a whole.
    assert!(!manifest.contains_key("lib"));
    assert_eq!(front["lib"]["crate-type"].as_array().unwrap(), &[Value::String("cdylib".to_owned())]);
    assert!(manifest["profile"].as_table().unwrap().contains_key(&text("lib-profile-release")));
    for path in [text("tailwind-input-file"), text("assets-dir"), text("end2end-dir")] {
        assert!(Path::new(&path).exists(), "{path}");
    }
    for folder in leptos["watch-additional-files"].as_array().unwrap() {
        assert!(Path::new(folder.as_str().unwrap()).is_dir(), "{folder}");
    }
    assert_eq!(text("site-addr"), "127.0.0.1:3000", "the default in docs/SETTINGS.md");
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

/// `scripts/fuzz` builds with `--locked`, from a lock file of its own.
#[test]
fn the_lock_file_of_the_fuzz_targets_is_up_to_date() {
    let lock: Table = fs::read_to_string("fuzz/Cargo.lock").unwrap().parse().unwrap();
    for folder in ["", "base"] {
        let manifest = manifest_in(folder);
        let name = &manifest["package"]["name"];
        let locked = lock["package"].as_array().unwrap().iter().find(|package| &package["name"] == name).unwrap();
        // A dependency is listed with its version if there are several.
        let dependencies: Vec<_> =
            locked["dependencies"].as_array().unwrap().iter().map(|entry| entry.as_str()).collect();
        for feature in manifest["features"]["ssr"].as_array().unwrap() {
            let Some(wanted) = feature.as_str().unwrap().strip_prefix("dep:") else { continue };
            let is_locked = dependencies.iter().flatten().any(|entry| entry.split(' ').next() == Some(wanted));
            assert!(is_locked, "{name} needs {wanted}");
        }
    }
}
