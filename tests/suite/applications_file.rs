//! Groups and applications from a file: applied at startup or by command, and entries that are removed from it.

use crate::app::{Backends, TestDatabase};
use crate::operator::{as_str_pairs, assert_refused, run_command, run_ok, settings_of};
use crate::ports::free_port;
use crate::program::{Program, exchange, latchkey, wait_until_ready};
use latchkey::server::model::GroupName;
use latchkey::server::model::logo::Logo;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const BOTH: [Backends; 2] = [Backends::Embedded, Backends::Servers];
const FILE: &str = r#"
[[group]]
name = "family"
title = "The family"

[[application]]
id = "photos"
name = "Photos"
logo = "logo.svg"
url = "https://photos.example.org/"
who = "family"
method = "any"

[application.oidc]
redirect_uris = ["https://photos.example.org/callback"]
client_secret_file = "photos.secret"
refresh = true

[[application]]
id = "wiki"
who = "everybody"
"#;

/// A folder with the file and the files that it refers to.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "applications.toml", FILE);
    write(folder.path(), "photos.secret", &"s".repeat(43));
    write(folder.path(), "logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

fn outcomes(text: &str) -> Vec<(String, String)> {
    let pair = |line: Value| (line["id"].as_str().unwrap().to_owned(), line["outcome"].as_str().unwrap().to_owned());
    text.lines().map(|line| pair(serde_json::from_str(line).unwrap())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, outcome)| ((*id).to_owned(), (*outcome).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_adds_changes_and_disables_applications_that_commands_cannot_edit() {
    for backends in BOTH {
        let (database, folder) = (TestDatabase::create(backends).await, folder());
        let settings = settings_of(&database);
        let settings = as_str_pairs(&settings);
        let path = folder.path();
        let run = |arguments: &[&str]| run_ok(path, &settings, arguments);
        let apply = || outcomes(&run(&["apps", "apply", "applications.toml", "--json"]).0);
        let show = |id| serde_json::from_str::<Value>(&run(&["apps", "show", id, "--json"]).0).unwrap();
        run(&["migrate"]);
        assert_eq!(apply(), pairs(&[("photos", "added"), ("wiki", "added")]));
        assert_eq!(apply(), pairs(&[("photos", "unchanged"), ("wiki", "unchanged")]));
        let photos = show("photos");
        for (member, value) in [
            ("name", json!("Photos")),
            ("who", json!("family")),
            ("method", json!("any")),
            ("has_logo", json!(true)),
            ("from_file", json!(true)),
            ("client_id", json!("photos")),
            ("refresh", json!(true)),
            ("redirect_uris", json!(["https://photos.example.org/callback"])),
        ] {
            assert_eq!(photos[member], value, "{member}");
        }
        assert_eq!(
            (&photos["secrets"][0]["prefix"], &photos["secrets"][0]["from_file"]),
            (&json!("ssssss"), &json!(true))
        );
        for command in [
            &["apps", "edit", "photos", "--name", "Pictures"][..],
            &["apps", "remove", "photos"],
            &["apps", "secret", "remove", "photos", "ssssss"],
            &["groups", "add", "family", "--default"],
            &["groups", "remove", "family"],
        ] {
            assert_refused(path, &settings, command, "is defined in APPLICATIONS_FILE; change it there");
        }
        run(&["groups", "add", "hand"]);
        write(path, "applications.toml", &format!("{FILE}[[application]]\nid = 'zoo'\nwho = 'hand'\n"));
        apply();
        assert_refused(
            path,
            &settings,
            &["groups", "remove", "hand"],
            "application zoo is open to hand and defined in",
        );
        write(path, "applications.toml", FILE);
        assert_eq!(apply()[0], ("zoo".to_owned(), "disabled".to_owned()));
        run(&["groups", "remove", "hand"]);
        // A secret that a command added stays next to those from the file.
        run(&["apps", "secret", "add", "photos"]);
        write(path, "photos.secret", &format!("{}\n{}\n", "s".repeat(43), "t".repeat(43)));
        assert_eq!(apply()[0].1, "changed");
        assert_eq!(show("photos")["secrets"].as_array().unwrap().len(), 3);
        write(path, "photos.secret", &"t".repeat(43));
        apply();
        let prefixes: Vec<_> =
            show("photos")["secrets"].as_array().unwrap().iter().map(|secret| secret["from_file"].clone()).collect();
        assert_eq!(prefixes.iter().filter(|from_file| **from_file == json!(true)).count(), 1, "{prefixes:?}");

        write(path, "applications.toml", "[[application]]\nid = 'wiki'\n");
        assert_eq!(apply(), pairs(&[("photos", "disabled"), ("wiki", "changed")]));
        run(&["apps", "secret", "remove", "photos", "tttttt"]);
        let photos = show("photos");
        assert_eq!((&photos["from_file"], photos["disabled_at"].is_string()), (&json!(false), true));
        assert_eq!(show("wiki")["who"], GroupName::NO_ONE, "omitted members have their defaults");
        assert!(run(&["groups", "list"]).0.contains("family"), "a group that the file no longer lists stays");
        run(&["groups", "add", "family", "--title", "Kin"]);
        write(path, "applications.toml", FILE);
        assert_eq!(apply(), pairs(&[("photos", "changed"), ("wiki", "changed")]));
        assert_eq!(show("photos")["disabled_at"], json!(null));
        // Without its `oidc` table, an application no longer signs users in.
        write(path, "applications.toml", "[[application]]\nid = 'photos'\n");
        apply();
        assert_eq!((&show("photos")["client_id"], &show("photos")["has_logo"]), (&json!(null), &json!(false)));
        // A renamed application keeps its client id.
        let renamed = FILE
            .replace("id = \"photos\"", "id = \"pictures\"")
            .replace("redirect_uris", "client_id = \"photos\"\nredirect_uris");
        write(path, "applications.toml", FILE);
        apply();
        write(path, "applications.toml", &renamed);
        assert_eq!(apply(), pairs(&[("photos", "disabled"), ("pictures", "added"), ("wiki", "unchanged")]));
        assert_eq!(show("pictures")["client_id"], "photos");
        assert_eq!(show("photos")["client_id"], json!(null));
        write(path, "applications.toml", "");
        apply();
        run(&["apps", "remove", "wiki"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_found_in_the_database_are_all_reported_and_nothing_is_applied() {
    for backends in BOTH {
        let (database, folder) = (TestDatabase::create(backends).await, folder());
        let settings = settings_of(&database);
        let settings = as_str_pairs(&settings);
        let run = |arguments: &[&str]| run_ok(folder.path(), &settings, arguments);
        run(&["migrate"]);
        run(&["apps", "add", "old", "--redirect-uri", "https://old.example/cb", "--client-id", "taken"]);
        let text = "\
[[application]]
id = 'a'
who = 'ghosts,spirits'
[[application]]
id = 'b'
[application.oidc]
redirect_uris = ['https://b.example/cb']
client_id = 'taken'
";
        write(folder.path(), "applications.toml", text);
        let (code, out, stderr) = run_command(folder.path(), &settings, &["apps", "apply", "applications.toml"]);
        assert_eq!((code, out.as_str()), (1, ""), "{stderr}");
        for expected in [
            "applications.toml has 3 mistakes; nothing was applied",
            "line 1: application a: unknown group ghosts",
            "line 1: application a: unknown group spirits",
            "line 4: application b: another application has the client id taken",
        ] {
            assert!(stderr.contains(expected), "{expected} in {stderr}");
        }
        assert_eq!(run(&["apps", "list", "--json"]).0.lines().count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_applies_the_file_at_startup_and_exits_with_2_if_it_is_invalid() {
    let folder = folder();
    // A relative path is resolved against DATA_DIR.
    let set = [("APPLICATIONS_FILE", "../applications.toml")];
    let program = Program::start(folder.path(), None, &set);
    let (list, _) = run_ok(folder.path(), &[], &["apps", "list", "--json"]);
    assert_eq!(list.lines().count(), 2, "{list}");
    // The logo is public, and opening it cannot run a script.
    let get = |address: &str| {
        let head = format!("GET {address} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", program.port);
        exchange(program.port, &head).unwrap()
    };
    let version = Logo::read(fs::read(folder.path().join("logo.svg")).unwrap()).unwrap().version();
    let logo = get(&format!("/logos/photos?v={version}"));
    assert!(
        logo.starts_with("HTTP/1.1 200") && logo.ends_with("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        "{logo}"
    );
    for header in
        ["content-type: image/svg+xml", "max-age=31536000, immutable", "default-src 'none'", "; sandbox", "nosniff"]
    {
        assert!(logo.contains(header), "{header}: {logo}");
    }
    for none in
        ["/logos/photos", "/logos/photos?v=00", "/logos/photos?v=%00", "/logos/wiki?v=00", "/logos/A?v=00", "/logos"]
    {
        assert!(get(none).starts_with("HTTP/1.1 404"), "{none}");
    }
    drop(program);
    let doctor = |set: &[(&str, &str)]| run_command(folder.path(), set, &["doctor"]).1;
    assert!(doctor(&set).contains("ok      APPLICATIONS_FILE"), "{}", doctor(&set));
    run_ok(
        folder.path(),
        &[],
        &["apps", "add", "bare", "--who", "everybody", "--redirect-uri", "https://b.example/cb"],
    );
    assert!(!doctor(&[]).contains("bare has no valid secret"), "{}", doctor(&[]));
    let shown: Value =
        serde_json::from_str(&run_ok(folder.path(), &[], &["apps", "show", "bare", "--json"]).0).unwrap();
    let prefix = shown["secrets"][0]["prefix"].as_str().unwrap();
    run_ok(folder.path(), &[], &["apps", "secret", "remove", "bare", prefix]);
    assert!(doctor(&[]).contains("bare has no valid secret"), "{}", doctor(&[]));
    run_ok(folder.path(), &[], &["apps", "remove", "bare"]);
    write(folder.path(), "applications.toml", "[[application]]\nid = 'Wiki'\nwho = 'ghosts'\n");
    assert!(doctor(&set).contains("FAULT   APPLICATIONS_FILE"), "{}", doctor(&set));
    let (code, out, stderr) = run_command(folder.path(), &[("LISTEN_ADDR", "127.0.0.1:0"), set[0]], &["serve"]);
    assert_eq!((code, stderr.contains("applications.toml has 1 mistake;")), (2, true), "{out}{stderr}");
    let (list, _) = run_ok(folder.path(), &[], &["apps", "list", "--json"]);
    assert_eq!(list.lines().count(), 2, "nothing was disabled: {list}");
}

#[test]
fn a_client_that_the_file_makes_public_loses_secrets_added_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let (path, client) = (
        folder.path(),
        "[[application]]\nid = 'photos'\n[application.oidc]\nredirect_uris = ['https://p.example/cb']\n",
    );
    let apply = |more: &str| {
        write(path, "applications.toml", &format!("{client}{more}"));
        run_ok(path, &[], &["apps", "apply", "applications.toml"]);
        let shown: Value = serde_json::from_str(&run_ok(path, &[], &["apps", "show", "photos", "--json"]).0).unwrap();
        shown["secrets"].as_array().unwrap().len()
    };
    run_ok(path, &[], &["migrate"]);
    assert_eq!(apply(""), 0);
    run_ok(path, &[], &["apps", "secret", "add", "photos"]);
    assert_eq!(apply(""), 1);
    assert_eq!(apply("public = true\n"), 0);
    assert_eq!(apply(""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_concurrently_apply_the_same_file() {
    let (database, folder) = (TestDatabase::create(Backends::Servers).await, folder());
    let settings = settings_of(&database);
    run_ok(folder.path(), &as_str_pairs(&settings), &["migrate"]);
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let port = free_port();
            let (listen, origin) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
            let own = [
                ("LISTEN_ADDR", listen.as_str()),
                ("PUBLIC_URL", &origin),
                ("APPLICATIONS_FILE", "../applications.toml"),
            ];
            let all = [&as_str_pairs(&settings)[..], &own].concat();
            (port, latchkey(folder.path(), &all).stdout(std::process::Stdio::null()).spawn().unwrap())
        })
        .collect();
    for (port, mut child) in nodes {
        wait_until_ready(&mut child, port);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (list, _) = run_ok(folder.path(), &as_str_pairs(&settings), &["apps", "list", "--json"]);
    assert_eq!(list.lines().count(), 2, "{list}");
}
