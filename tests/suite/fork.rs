//! The first step of a fork: replacing the name everywhere.

use std::path::Path;
use std::process::{Command, Output};

fn in_folder(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).current_dir(folder).output().unwrap()
}

/// A clone of the working tree, committed.
fn clone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = in_folder(Path::new("."), "git", &["ls-files", "-co", "--exclude-standard"]);
    assert!(files.status.success(), "{}", String::from_utf8_lossy(&files.stderr));
    for file in String::from_utf8(files.stdout).unwrap().lines().filter(|file| Path::new(file).exists()) {
        let copy = folder.path().join(file);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(file, &copy).unwrap();
    }
    for arguments in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["-c", "user.name=t", "-c", "user.email=t@t.example", "commit", "-qm", "all"],
    ] {
        assert!(in_folder(folder.path(), "git", arguments).status.success(), "{arguments:?}");
    }
    folder
}

#[test]
fn the_rename_script_replaces_the_name_everywhere() {
    let folder = clone();
    let rename = |name: &str| in_folder(folder.path(), "scripts/rename", &[name]);
    for wrong in [
        "",
        "x",
        "Acme; rm -rf",
        "1Acme",
        "Ä",
        "Acme-Door",
        "Tokio",
        "Match",
        "Std",
        "Suite",
        "Nobody",
        &"A".repeat(32),
        &"A".repeat(41),
    ] {
        assert_eq!(rename(wrong).status.code(), Some(2), "{wrong:?}");
    }
    std::fs::write(folder.path().join("README.md"), "changed").unwrap();
    assert_eq!(rename("Acme Door").status.code(), Some(1), "uncommitted changes would be mixed in");
    assert!(in_folder(folder.path(), "git", &["checkout", "-q", "."]).status.success());

    // The name that the documents suggest must not be one that a test already uses.
    let others = in_folder(
        folder.path(),
        "git",
        &["grep", "-l", "Acme Door", "--", "end2end", "tests", ":!tests/suite/fork.rs"],
    );
    assert_eq!(String::from_utf8(others.stdout).unwrap(), "");
    let done = rename("Acme Door");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let kept = ["LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md"].map(|file| format!(":!{file}"));
    let search: Vec<_> =
        ["grep", "-Iil", "latchkey", "--", "."].into_iter().chain(kept.iter().map(String::as_str)).collect();
    let left = in_folder(folder.path(), "git", &search);
    assert_eq!(String::from_utf8(left.stdout).unwrap(), "", "these still have the old name");
    let names = in_folder(folder.path(), "git", &["ls-files", "-co", "--exclude-standard", "*latchkey*"]);
    assert_eq!(String::from_utf8(names.stdout).unwrap(), "");
    let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
    assert!(read("src/server/http/cookies.rs").contains("__Host-acmedoor_session"));
    assert!(read("src/server/config/brand.rs").contains("\"Acme Door\""));
    assert!(read("deploy/acmedoor.service").contains("ExecStart=/opt/acmedoor/acmedoor"));
    let crate_name =
        in_folder(folder.path(), env!("CARGO"), &["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_slice(&crate_name.stdout).unwrap();
    let mut names: Vec<_> =
        metadata["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["acmedoor", "acmedoor-base", "acmedoor-front"]);
    for gone in ["scripts/rename", "tests/suite/fork.rs"] {
        assert!(!folder.path().join(gone).exists(), "{gone}: renaming happens once");
    }
    for file in ["Makefile", "README.md", "docs/FORK.md"] {
        assert!(!read(file).contains("make rename") && !read(file).contains("\nrename:"), "{file}");
    }
    assert!(!read("tests/suite/main.rs").contains("mod fork;"));
    assert!(in_folder(folder.path(), "git", &["reset", "-q", "--hard"]).status.success());
    assert!(read("deploy/latchkey.service").contains("/opt/latchkey/latchkey"), "the rename can be undone");
    assert!(!folder.path().join("deploy/acmedoor.service").exists());
}
