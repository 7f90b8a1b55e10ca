//! How the release is built: the program is compiled anew where the files that it carries have changed, and only there.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A folder with the script, a site and something that compiles in cargo's place.
struct Workshop(TempDir);

impl Workshop {
    fn new() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        for folder in ["bin", "scripts", "src", "target/release", "target/site/pkg"] {
            fs::create_dir_all(this.path(folder)).unwrap();
        }
        fs::copy("scripts/build-program", this.path("scripts/build-program")).unwrap();
        this.write("src/main.rs", "fn main() {}");
        this.write("target/site/pkg/a file.js", "one");
        this.write("target/site/pkg/a file.js.gz", "packed");
        this.write("bin/cargo", "#!/bin/sh\necho \"$@\" >called\n[ ! -e broken ] && touch target/release/latchkey\n");
        fs::set_permissions(this.path("bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn dated(&self, name: &str, time: SystemTime) {
        File::options().append(true).open(self.path(name)).unwrap().set_modified(time).unwrap();
    }

    fn time(&self, name: &str) -> SystemTime {
        self.path(name).metadata().unwrap().modified().unwrap()
    }

    /// Whether it is said to be of the year 2000, or older.
    fn is_old(&self, name: &str) -> bool {
        self.time(name) < SystemTime::UNIX_EPOCH + Duration::from_hours(11_000 * 24)
    }

    /// What cargo-leptos does with the browser's part: every file is written anew.
    fn build_site(&self, text: &str) {
        self.write("target/site/pkg/a file.js", text);
        self.write("target/site/pkg/a file.js.gz", &format!("packed at {:?}", self.time("target/site/pkg/a file.js")));
        self.dated("src/main.rs", SystemTime::UNIX_EPOCH);
    }

    fn build_program(&self) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        Command::new("bash").arg(self.path("scripts/build-program")).arg("--locked").env("PATH", path).output().unwrap()
    }

    /// Whether cargo would see anything new.
    fn is_compiled_anew(&self) -> bool {
        let done = self.build_program();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(fs::read_to_string(self.path("called")).unwrap(), "leptos build --release --server-only --locked\n");
        let files = ["target/site/pkg/a file.js", "target/site/pkg/a file.js.gz", "src/main.rs"];
        let old = files.map(|file| self.is_old(file));
        assert!(old == [true; 3] || old == [false; 3], "all or none: {old:?}");
        old == [false; 3]
    }
}

#[test]
fn the_program_is_compiled_anew_where_its_files_have_changed_and_only_there() {
    let workshop = Workshop::new();
    let builds = |text: &str| {
        workshop.build_site(text);
        workshop.is_compiled_anew()
    };
    assert!(builds("one"), "the first time");
    assert!(!builds("one"), "they say the same");
    assert!(builds("two"));
    assert!(!builds("two"));
    assert!(builds("one"), "as it was before the last");
}

#[test]
fn a_program_that_somebody_else_compiled_is_compiled_anew() {
    let workshop = Workshop::new();
    workshop.build_site("one");
    assert!(workshop.is_compiled_anew());
    workshop.dated("target/release/latchkey", workshop.time("target/site.sums") + Duration::from_secs(1));
    workshop.build_site("one");
    assert!(workshop.is_compiled_anew());
}

#[test]
fn what_failed_is_compiled_anew() {
    let workshop = Workshop::new();
    workshop.build_site("one");
    assert!(workshop.is_compiled_anew());
    workshop.write("broken", "");
    workshop.build_site("two");
    assert!(!workshop.build_program().status.success());
    fs::remove_file(workshop.path("broken")).unwrap();
    workshop.build_site("two");
    assert!(workshop.is_compiled_anew());
}

#[test]
fn without_files_there_is_no_program() {
    let workshop = Workshop::new();
    fs::remove_dir_all(workshop.path("target/site/pkg")).unwrap();
    let done = workshop.build_program();
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("nothing in target/site"));
    assert!(!workshop.path("called").exists());
}
