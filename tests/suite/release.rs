//! Release builds: the program embeds the site's files, and is recompiled if and only if they change. The tests run the
//! real cargo on a small program in place of this one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder with the build script, a site, and a program that embeds the site.
struct TestProject(TempDir);

const MANIFEST: &str = "[package]\nname = \"latchkey\"\nedition = \"2024\"\n";
/// Embeds one file, and reads the same environment variable as the real program.
const PROGRAM: &str = "const _: Option<&str> = option_env!(\"LATCHKEY_SITE\");\n\
                       fn main() { print!(\"{}\", include_str!(\"../target/embedded/pkg/a file.js\")) }\n";
/// Stands in for cargo-leptos, which builds the program.
const CARGO: &str =
    "#!/bin/sh\n[ \"$*\" = 'leptos build --release --server-only --locked' ] && exec \"$REAL_CARGO\" build --release\n";

impl TestProject {
    fn new() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        for folder in ["bin", "scripts", "src", "target/site/pkg"] {
            fs::create_dir_all(this.path(folder)).unwrap();
        }
        fs::copy("scripts/build-program", this.path("scripts/build-program")).unwrap();
        this.write("Cargo.toml", MANIFEST);
        this.write("src/main.rs", PROGRAM);
        this.write("bin/cargo", CARGO);
        fs::set_permissions(this.path("bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Stands in for cargo-leptos, which rewrites every file for the browser on each build and then compresses it.
    fn build_site(&self, text: &str) {
        self.write("target/site/pkg/a file.js", text);
        let at = self.path("target/site/pkg/a file.js").metadata().unwrap().modified().unwrap();
        self.write("target/site/pkg/a file.js.gz", &format!("{text}, packed at {at:?}"));
    }

    fn build_program(&self) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut script = Command::new("bash");
        script.arg(self.path("scripts/build-program")).arg("--locked").env("PATH", path);
        script.env_remove("CARGO_TARGET_DIR").env("REAL_CARGO", env!("CARGO")).output().unwrap()
    }

    /// Whether cargo had to compile; asserts that the resulting program embeds `text`.
    fn recompiles_for(&self, text: &str) -> bool {
        self.build_site(text);
        let done = self.build_program();
        let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{stderr}");
        let program = Command::new(self.path("target/release/latchkey")).output().unwrap();
        assert_eq!(String::from_utf8(program.stdout).unwrap(), text);
        stderr.contains("Compiling latchkey")
    }
}

#[test]
fn the_program_is_recompiled_only_if_its_files_changed() {
    let project = TestProject::new();
    assert!(project.recompiles_for("one"), "the first build");
    let packed = fs::read_to_string(project.path("target/embedded/pkg/a file.js.gz")).unwrap();
    assert!(!project.recompiles_for("one"), "the contents are the same");
    assert_eq!(fs::read_to_string(project.path("target/embedded/pkg/a file.js.gz")).unwrap(), packed);
    assert!(project.recompiles_for("two"));
    assert!(fs::read_to_string(project.path("target/embedded/pkg/a file.js.gz")).unwrap().starts_with("two"));
    assert!(!project.recompiles_for("two"));
    assert!(project.recompiles_for("one"), "back to the first contents");
}

#[test]
fn an_added_or_removed_file_counts_as_a_change() {
    let project = TestProject::new();
    assert!(project.recompiles_for("one"));
    project.write("target/site/another.svg", "");
    assert!(project.recompiles_for("one"));
    assert!(project.path("target/embedded/another.svg").exists());
    fs::remove_file(project.path("target/site/another.svg")).unwrap();
    assert!(project.recompiles_for("one"));
    assert!(!project.path("target/embedded/another.svg").exists());
}

#[test]
fn a_failed_build_is_repeated() {
    let project = TestProject::new();
    assert!(project.recompiles_for("one"));
    project.write("src/main.rs", "not a program");
    project.build_site("two");
    assert!(!project.build_program().status.success());
    project.write("src/main.rs", PROGRAM);
    assert!(project.recompiles_for("two"));
}

#[test]
fn without_site_files_the_build_fails() {
    let project = TestProject::new();
    let done = project.build_program();
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("nothing in target/site"));
    assert!(!project.path("target/release").exists());
}

/// The first text between `before` and `after` in a file.
fn between(file: &str, before: &str, after: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let rest = text.split_once(before).unwrap_or_else(|| panic!("{file} does not contain {before:?}")).1;
    rest.split(after).next().unwrap().to_owned()
}

#[test]
fn the_image_and_the_manifest_name_the_compiler_in_use() {
    let channel = between("rust-toolchain.toml", "channel = \"", "\"");
    let minor = channel.rsplit_once('.').unwrap().0;
    assert_eq!(between("Cargo.toml", "rust-version = \"", "\""), minor);
    assert_eq!(between("Dockerfile", "FROM rust:", "-"), minor);
}
