//! The commands for groups, roles and applications, run as processes.

use crate::operator::{assert_refused, run_command, run_ok, sign_up};
use crate::program::Program;
use latchkey::server::model::GroupName;
use serde_json::{Value, json};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_roles_are_managed_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &[]);
    for name in ["ada", "eve"] {
        sign_up(&program, name);
    }
    let run = |arguments: &[&str]| run_ok(folder.path(), &[], arguments);
    run(&["groups", "add", "family", "--title", "The family"]);
    run(&["groups", "add", "everyone", "--default"]);
    let (_, stderr) = run(&["groups", "join", "family", "ada"]);
    assert!(stderr.contains("added ada to family"), "{stderr}");
    assert!(run(&["groups", "join", "family", "ada"]).1.contains("already"));
    let list = lines(&run(&["groups", "list", "--json"]).0);
    assert_eq!(
        (&list[0]["name"], &list[0]["default"], &list[0]["members"]),
        (&json!("everyone"), &json!(true), &json!(0))
    );
    assert_eq!((&list[1]["title"], &list[1]["members"]), (&json!("The family"), &json!(1)));
    assert!(run(&["groups", "list"]).0.contains("The family"));
    // Omitted options keep their values.
    run(&["groups", "add", "everyone", "--title", "All of us"]);
    run(&["groups", "add", "family", "--default"]);
    let list = lines(&run(&["groups", "list", "--json"]).0);
    assert_eq!((&list[0]["title"], &list[0]["default"]), (&json!("All of us"), &json!(true)));
    assert_eq!((&list[1]["title"], &list[1]["default"]), (&json!("The family"), &json!(true)));
    run(&["groups", "add", "family", "--default=false"]);
    assert_eq!(lines(&run(&["groups", "list", "--json"]).0)[1]["default"], json!(false));
    for reserved in [GroupName::EVERYBODY, GroupName::NO_ONE, "The Family"] {
        assert_eq!(run_command(folder.path(), &[], &["groups", "add", reserved]).0, 2, "{reserved}");
    }
    run(&["invitations", "create", "--group", "family", "--group", "family"]);
    assert_refused(folder.path(), &[], &["invitations", "create", "--group", "ghosts"], "there is no group ghosts");
    run(&["groups", "leave", "family", "ada"]);
    assert_refused(folder.path(), &[], &["groups", "leave", "family", "ada"], "ada is not in family");
    assert_refused(folder.path(), &[], &["groups", "join", "ghosts", "ada"], "there is no group ghosts");
    assert_refused(folder.path(), &[], &["groups", "join", "family", "zoe"], "there is no account");
    run(&["groups", "remove", "family"]);
    assert_refused(folder.path(), &[], &["groups", "remove", "family"], "there is no group family");

    run(&["roles", "grant", "ada", "owner"]);
    assert!(run(&["roles", "grant", "ada", "owner"]).1.contains("already"));
    assert_refused(folder.path(), &[], &["roles", "take", "ada", "owner"], "this is the last owner");
    assert_refused(folder.path(), &[], &["roles", "take", "eve", "people"], "does not have the role people");
    run(&["roles", "grant", "eve", "owner"]);
    run(&["roles", "take", "ada", "owner"]);
    let list = lines(&run(&["roles", "list", "--json"]).0);
    assert_eq!((list.len(), &list[0]["username"], &list[0]["role"]), (1, &json!("eve"), &json!("owner")));
    assert_eq!(run_command(folder.path(), &[], &["roles", "grant", "ada", "admin"]).0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_managed_by_commands_and_closed_by_default() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &[], &["migrate"]);
    let run = |arguments: &[&str]| run_ok(folder.path(), &[], arguments);
    run(&["groups", "add", "family"]);
    let (out, stderr) = run(&["apps", "add", "photos", "--name", "Photos", "--json"]);
    let added: Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(
        (&added["who"], &added["method"], &added["max_age"]),
        (&json!(GroupName::NO_ONE), &json!("passkey"), &json!(null))
    );
    assert!(stderr.contains("no one may use it yet"), "{stderr}");
    assert_refused(folder.path(), &[], &["apps", "add", "photos"], "application photos already exists");
    assert_refused(folder.path(), &[], &["apps", "edit", "photos", "--who", "ghosts"], "there is no group ghosts");
    let options = ["--who", "family", "--method", "any", "--max-age", "12h", "--url", "https://photos.example.org/"];
    let (_, stderr) = run(&[&["apps", "edit", "photos"][..], &options].concat());
    assert!(stderr.contains("members of family may use it"), "{stderr}");
    let shown: Value = serde_json::from_str(run(&["apps", "show", "photos", "--json"]).0.trim()).unwrap();
    assert_eq!(shown["name"], "Photos", "omitted options keep their values");
    assert_eq!((&shown["who"], &shown["method"], &shown["max_age"]), (&json!("family"), &json!("any"), &json!(43_200)));
    for fact in ["https://photos.example.org/", "family", "enabled"] {
        assert!(run(&["apps", "show", "photos"]).0.contains(fact), "{fact}");
    }
    run(&["groups", "remove", "family"]);
    let shown: Value = serde_json::from_str(run(&["apps", "show", "photos", "--json"]).0.trim()).unwrap();
    assert_eq!(shown["who"], GroupName::NO_ONE, "its last group was removed");
    run(&["apps", "add", "wiki", "--who", "everybody"]);
    assert_eq!(lines(&run(&["apps", "list", "--json"]).0).len(), 2);
    assert!(run(&["apps", "list"]).0.contains("everybody"));
    for wrong in [
        ["--who", "The Family"],
        ["--method", "password"],
        ["--url", "javascript:x"],
        ["--url", "https://:secret@x.example"],
        ["--max-age", "soon"],
    ] {
        assert_eq!(
            run_command(folder.path(), &[], &[&["apps", "edit", "wiki"][..], &wrong].concat()).0,
            2,
            "{wrong:?}"
        );
    }
    run(&["apps", "remove", "wiki"]);
    for act in ["show", "edit", "remove"] {
        assert_refused(folder.path(), &[], &["apps", act, "wiki"], "there is no application wiki");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_reports_its_result_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &[]);
    sign_up(&program, "ada");
    let json_of = |words: &[&str]| {
        let (out, _) = run_ok(folder.path(), &[], &[words, &["--json"]].concat());
        serde_json::from_str::<Value>(out.trim()).unwrap_or_else(|_| panic!("{words:?}: {out}"))
    };
    let group = json_of(&["groups", "add", "family", "--title", "The family"]);
    assert_eq!((&group["name"], &group["title"]), (&json!("family"), &json!("The family")));
    for (words, expected) in [
        (&["groups", "join", "family", "ada"][..], json!({ "name": "family", "username": "ada", "joined": true })),
        (&["groups", "join", "family", "ada"], json!({ "name": "family", "username": "ada", "joined": false })),
        (&["groups", "leave", "family", "ada"], json!({ "name": "family", "username": "ada", "left": true })),
        (&["groups", "remove", "family"], json!({ "name": "family", "removed": true })),
        (&["roles", "grant", "ada", "people"], json!({ "username": "ada", "role": "people", "granted": true })),
        (&["roles", "take", "ada", "people"], json!({ "username": "ada", "role": "people", "taken": true })),
    ] {
        assert_eq!(json_of(words), expected, "{words:?}");
    }
    let secret = json_of(&["apps", "add", "wiki", "--redirect-uri", "https://wiki.example/cb"]);
    let prefix = &secret["client_secret"].as_str().unwrap()[..6];
    let removed = json!({ "id": "wiki", "prefix": prefix, "removed": true });
    assert_eq!(json_of(&["apps", "secret", "remove", "wiki", prefix]), removed);
    assert_eq!(json_of(&["apps", "remove", "wiki"]), json!({ "id": "wiki", "removed": true }));
    let ids = crate::transfer::key_ids(&program);
    assert_eq!(json_of(&["signing-keys", "revoke", &ids[0]]), json!({ "kid": ids[0], "revoked": true }));
    assert_eq!(json_of(&["signing-keys", "rotate", "--force"])["made"].as_array().unwrap().len(), 3);
}
