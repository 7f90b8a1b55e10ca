//! The administrator commands, run as processes with or without a running server.

use crate::app::{Backends, TestDatabase};
use crate::program::{Program, latchkey};
use crate::remote::Remote;
use crate::transfer::key_ids;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnectOptions;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

/// Runs a command; returns the exit code, standard output and standard error.
pub fn run_command(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = latchkey(folder, settings).args(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Runs a command that must succeed; returns standard output and standard error.
pub fn run_ok(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> (String, String) {
    let (code, out, stderr) = run_command(folder, settings, arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{stderr}");
    (out, stderr)
}

/// Runs a command that must fail with one error line that contains `words`.
pub fn assert_refused(folder: &Path, settings: &[(&str, &str)], arguments: &[&str], words: &str) {
    let (code, out, stderr) = run_command(folder, settings, arguments);
    assert_eq!(code, 1, "{arguments:?}: {out}{stderr}");
    assert!(
        stderr.contains(words) && stderr.starts_with("latchkey: ") && stderr.lines().count() == 1,
        "{arguments:?}: {stderr}"
    );
}

/// The settings for a test database.
pub fn settings_of(database: &TestDatabase) -> Vec<(&'static str, String)> {
    match database {
        TestDatabase::File(folder) => {
            vec![("DATABASE_URL", format!("sqlite://{}", folder.path().join("test.db").display()))]
        }
        TestDatabase::Server { .. } => vec![("DATABASE_URL", database.url().expose().clone())],
    }
}

pub fn as_str_pairs<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Requests sign-up by email; returns the browser and the text of the email.
fn request_sign_up(program: &Program, name: &str) -> (Remote, String) {
    let mut browser = Remote::new(program.port, &program.origin());
    let body = json!({ "username": name, "email": format!("{name}@example.org") });
    let (status, answer) = browser.post("/api/sign-up/email", &body).unwrap();
    assert_eq!(status, 202, "{answer}");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let (_, emails) = browser.get("/dev/mailbox.json").unwrap();
        let to = format!("{name}@example.org");
        let theirs = emails.as_array().into_iter().flatten().find(|email| email["to"] == to.as_str());
        if let Some(text) = theirs.and_then(|email| email["text"].as_str()) {
            return (browser, text.to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no email arrived");
}

/// Creates an account; returns the signed-in browser.
pub fn sign_up(program: &Program, name: &str) -> Remote {
    let (mut browser, email) = request_sign_up(program, name);
    let token = email.split("?token=").nth(1).unwrap().split_whitespace().next().unwrap();
    let (status, answer) = browser.post("/api/email/link", &json!({ "token": token })).unwrap();
    assert_eq!(status, 200, "{answer}");
    browser
}

fn is_signed_in(browser: &mut Remote) -> bool {
    browser.get("/api/session").unwrap().0 == 200
}

/// A server that always sends this response, or none; returns its port.
fn start_fake_server(answer: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().flatten() {
            if let Some(answer) = answer {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(answer.as_bytes());
            }
            kept.push(stream);
        }
    });
    port
}

#[test]
fn the_health_command_reports_whether_the_server_responds() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &[]);
    for host in ["127.0.0.1", "0.0.0.0"] {
        let listen = format!("{host}:{}", program.port);
        // The proxy settings in the environment are ignored.
        let (_, stderr) =
            run_ok(folder.path(), &[("LISTEN_ADDR", &listen), ("http_proxy", "http://127.0.0.1:1")], &["health"]);
        assert!(stderr.contains(&format!("http://127.0.0.1:{}/healthz responds", program.port)), "{stderr}");
    }
    // The exit code reports the result even if the message cannot be written.
    let listen = format!("127.0.0.1:{}", program.port);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let health = latchkey(folder.path(), &[("LISTEN_ADDR", &listen)]).arg("health").stderr(full).status().unwrap();
    assert_eq!(health.code(), Some(0));
    drop(program);
    let began = Instant::now();
    for port in [
        1,
        start_fake_server(None),
        start_fake_server(Some("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")),
        start_fake_server(Some("220 mail.example.org ESMTP\r\n")),
        start_fake_server(Some("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")),
        start_fake_server(Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")),
    ] {
        let listen = format!("127.0.0.1:{port}");
        assert_refused(folder.path(), &[("LISTEN_ADDR", &listen)], &["health"], "is not healthy");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "it waited too long");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_managed_while_the_server_runs() {
    for backends in Backends::ALL {
        let database = TestDatabase::create(backends).await;
        let folder = tempfile::tempdir().unwrap();
        let set = settings_of(&database);
        let program = Program::start(folder.path(), None, &as_str_pairs(&set));
        let origin = program.origin();
        let mut set = set.clone();
        set.push(("PUBLIC_URL", origin.clone()));
        let set = as_str_pairs(&set);
        let mut browser = sign_up(&program, "ada");
        assert!(is_signed_in(&mut browser));

        let (list, _) = run_ok(folder.path(), &set, &["users", "list"]);
        assert!(list.contains("ada@example.org") && list.lines().count() == 2, "{list}");
        let (json, _) = run_ok(folder.path(), &set, &["users", "list", "--json"]);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&json["username"], &json["email_verified"], &json["sessions"]),
            (&json!("ada"), &json!(true), &json!(1))
        );
        let (shown, _) = run_ok(folder.path(), &set, &["users", "show", "ADA@example.org"]);
        assert!(shown.contains("Signed up") && shown.contains("email"), "{shown}");

        let (_, stderr) = run_ok(folder.path(), &set, &["users", "disable", "ada"]);
        assert!(stderr.contains("latchkey::audit") && stderr.contains("account_disabled"), "{stderr}");
        assert!(!is_signed_in(&mut browser), "signed out at the next request");
        assert_refused(folder.path(), &set, &["sign-in-link", "ada"], "disabled");
        run_ok(folder.path(), &set, &["users", "enable", "ada"]);

        let (link, stderr) = run_ok(folder.path(), &set, &["sign-in-link", "ada"]);
        assert!(link.starts_with(&format!("{origin}/email/link?token=")) && stderr.contains("notified by"), "{stderr}");
        let token = link.trim().rsplit('=').next().unwrap();
        let mut browser = Remote::new(program.port, &origin);
        let (status, answer) = browser.post("/api/email/link", &json!({ "token": token })).unwrap();
        assert_eq!((status, &answer["session"]["method"]), (200, &json!("recovery")), "{answer}");
        assert!(is_signed_in(&mut browser));
        let (_, stderr) = run_ok(folder.path(), &set, &["sessions", "revoke", "ada"]);
        assert!(stderr.ends_with(": 1\n"), "{stderr}");
        assert!(!is_signed_in(&mut browser));
        run_ok(folder.path(), &set, &["sessions", "revoke", "--everybody"]);

        for arguments in
            [["users", "show", "eve"], ["users", "disable", "no name"], ["sessions", "revoke", "x@y.example"]]
        {
            assert_refused(folder.path(), &set, &arguments, "there is no account");
        }
        let (link, stderr) =
            run_ok(folder.path(), &set, &["invitations", "create", "--uses", "3", "--note", "the team"]);
        assert!(
            link.starts_with(&format!("{origin}/sign-up?invite=")) && stderr.contains("SIGN_UP is not"),
            "{stderr}"
        );
        let (list, _) = run_ok(folder.path(), &set, &["invitations", "list"]);
        let id = list.lines().nth(1).unwrap().split_whitespace().next().unwrap();
        assert!(list.contains("the team"), "{list}");
        run_ok(folder.path(), &set, &["invitations", "revoke", id]);
        assert_refused(folder.path(), &set, &["invitations", "revoke", id], "there is no invitation");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_moves_from_one_database_to_another_and_sessions_end() {
    let (file, server) =
        (TestDatabase::create(Backends::Embedded).await, TestDatabase::create(Backends::Servers).await);
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (settings_of(&file), settings_of(&server));
    let mut program = Program::start(folder.path(), None, &as_str_pairs(&old));
    let browser = sign_up(&program, "ada");
    run_ok(folder.path(), &as_str_pairs(&old), &["groups", "add", "family"]);
    let add = ["apps", "add", "photos", "--who", "family", "--redirect-uri", "https://photos.example/cb"];
    run_ok(folder.path(), &as_str_pairs(&old), &add);
    key_ids(&program);
    program.stop();
    run_ok(folder.path(), &as_str_pairs(&old), &["export", "all.jsonl"]);
    let export = folder.path().join("all.jsonl");
    assert_eq!(fs::metadata(&export).unwrap().permissions().mode() & 0o777, 0o600);
    assert_refused(folder.path(), &as_str_pairs(&old), &["export", "all.jsonl"], "already exists");

    let whole = fs::read_to_string(&export).unwrap();
    let cut = whole.lines().take(3).collect::<Vec<_>>().join("\n");
    let forged = whole.replace(r#""table":"users""#, r#""table":"users; drop table users""#);
    for (text, words) in [
        ("", "not a latchkey export"),
        ("{}\n", "not a latchkey export"),
        (cut.as_str(), "the file is truncated"),
        (forged.as_str(), "unknown table"),
        (&whole.replace(r#""schema":"#, r#""schema":9"#), "version 9"),
        (&whole.replace(r#""username":"ada""#, r#""username":null"#), "database"),
        (&whole.replace(r#""username":"ada""#, r#""username":"x y<b>""#), "username has an invalid value"),
        (&whole.replace(r#""kind":"signed_up""#, r#""kind":"else""#), "kind has an invalid value"),
        (&whole.replace(r#""method":"email""#, r#""method":"else""#), "method has an invalid value"),
        (&whole.replace(r#""token_hash":""#, r#""token_hash":"AA"#), "token_hash has an invalid value"),
        (&whole.replace(r#""name":"family""#, r#""name":"The Family""#), "name has an invalid value"),
        (&whole.replace(r#""id":"photos""#, r#""id":"../photos""#), "id has an invalid value"),
        (&whole.replace(r#""who":"groups""#, r#""who":"all""#), "who has an invalid value"),
        (&whole.replace(r#""consent":"never""#, r#""consent":"else""#), "consent has an invalid value"),
        (&whole.replace(r#""algorithm":"RS256""#, r#""algorithm":"none""#), "algorithm has an invalid value"),
        (&whole.replace(r#""claim_rules":"[]""#, r#""claim_rules":"[1]""#), "claim_rules has an invalid value"),
        (&whole.replace(r#"\"kty\":\"RSA\""#, r#"\"kty\":\"XYZ\""#), "public_key has an invalid value"),
        (&format!("{whole}{whole}"), "the number of rows differs"),
        (&whole.replace(r#""latchkey_export":1"#, r#""latchkey_export":2"#), "another version"),
    ] {
        fs::write(folder.path().join("wrong.jsonl"), text).unwrap();
        assert_refused(folder.path(), &as_str_pairs(&new), &["import", "wrong.jsonl"], words);
    }
    assert_refused(folder.path(), &as_str_pairs(&new), &["import", "not-there.jsonl"], "not-there.jsonl");
    run_ok(folder.path(), &as_str_pairs(&new), &["import", "all.jsonl"]);
    assert_refused(folder.path(), &as_str_pairs(&new), &["import", "all.jsonl"], "not empty");
    let program = Program::start(folder.path(), None, &as_str_pairs(&new));
    assert!(!is_signed_in(&mut browser.at(&program)), "the export may be older than a sign-out");
    let (list, _) = run_ok(folder.path(), &as_str_pairs(&new), &["users", "list"]);
    assert!(list.contains("ada"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_does_not_even_migrate_a_database_in_use() {
    let database = TestDatabase::create(Backends::Embedded).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_of(&database);
    let mut program = Program::start(folder.path(), None, &as_str_pairs(&settings));
    sign_up(&program, "ada");
    program.stop();
    run_ok(folder.path(), &as_str_pairs(&settings), &["export", "all.jsonl"]);
    // As an older program left it.
    let mut connection = sqlx::SqliteConnection::connect(&settings[0].1).await.unwrap();
    let newest = "select max(version) from _sqlx_migrations";
    let known: i64 = sqlx::query_scalar(newest).fetch_one(&mut connection).await.unwrap();
    sqlx::query("delete from _sqlx_migrations where version = $1").bind(known).execute(&mut connection).await.unwrap();
    assert_refused(folder.path(), &as_str_pairs(&settings), &["import", "all.jsonl"], "older than this program");
    let left: i64 = sqlx::query_scalar(newest).fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, known - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_complete_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &[]);
    let browser = sign_up(&program, "ada");
    run_ok(folder.path(), &[], &["backup", "copy.db"]);
    let copy = folder.path().join("copy.db");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_refused(folder.path(), &[], &["backup", "copy.db"], "already exists");
    assert_refused(folder.path(), &[], &["backup", "no/such/folder/copy.db"], "No such file");
    drop(program);
    let restored = format!("sqlite://{}", copy.display());
    let program = Program::start(folder.path(), None, &[("DATABASE_URL", &restored)]);
    assert!(is_signed_in(&mut browser.at(&program)));
    let server = TestDatabase::create(Backends::Servers).await;
    assert_refused(folder.path(), &as_str_pairs(&settings_of(&server)), &["backup", "x.db"], "pg_dump");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_backup_is_not_mistaken_for_a_complete_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), None, &[]);
    sign_up(&program, "ada");
    program.stop();
    // Enough data that copying it takes a while.
    let file = SqliteConnectOptions::new().filename(folder.path().join("data/latchkey.db"));
    let mut connection = sqlx::SqliteConnection::connect_with(&file).await.unwrap();
    let ballast = "create table ballast as with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) \
                   select randomblob(1000) as some from n";
    sqlx::query(ballast).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let mut child = latchkey(folder.path(), &[]).args(["backup", "copy.db"]).spawn().unwrap();
    let copy = folder.path().join("copy.db");
    let has_part = || {
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.into_iter().any(|name| name.strip_suffix(".part").is_some_and(|name| name.starts_with("copy.db.")))
    };
    let began = Instant::now();
    while !has_part() && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(has_part() && !copy.exists(), "it was interrupted");
    run_ok(folder.path(), &[], &["backup", "copy.db"]);
    let mut whole = sqlx::SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&copy)).await.unwrap();
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut whole).await.unwrap();
    assert_eq!(users, 1);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(has_part(), "no other file was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_the_previous_key_is_still_accepted() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(folder.path(), &[], &["keys", "rotate"], "secret.key");
    let mut program = Program::start(folder.path(), None, &[]);
    let (requester, email) = request_sign_up(&program, "ada");
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    let code = email.lines().find(is_code).unwrap().to_owned();
    let port = program.port;
    program.stop();
    let before = fs::read_to_string(folder.path().join("data/secret.key")).unwrap();
    run_ok(folder.path(), &[], &["keys", "rotate"]);
    assert_ne!(fs::read_to_string(folder.path().join("data/secret.key")).unwrap(), before);
    let program = Program::start_at(port, folder.path(), None, &[]);
    let mut browser = requester.at(&program);
    let (status, answer) = browser.post("/api/email/code", &json!({ "code": code })).unwrap();
    assert_eq!(status, 200, "a code from before the rotation: {answer}");

    assert_refused(folder.path(), &[], &["keys", "rotate"], "30 more days");
    let set = [("SECRET_KEY", "a key that an administrator set, of 32 bytes or more")];
    let (key, stderr) = run_ok(folder.path(), &set, &["keys", "rotate"]);
    assert!(key.trim().len() >= 32 && stderr.contains("SECRET_KEY_PREVIOUS") && !stderr.contains(set[0].1), "{stderr}");
}

#[test]
fn commands_report_a_missing_database_and_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["users", "list"][..], &["sign-in-link", "ada"], &["export", "x.jsonl"], &["invitations", "list"]]
    {
        assert_refused(folder.path(), &[], arguments, "does not exist yet");
    }
    assert_refused(folder.path(), &[], &["backup", "x.db"], "database");
    let (_, stderr) = run_ok(folder.path(), &[], &["migrate"]);
    assert!(stderr.contains("version 12"), "{stderr}");
    let (list, _) = run_ok(folder.path(), &[], &["users", "list"]);
    assert_eq!(list.lines().count(), 1, "{list}");
    for arguments in [&["users"][..], &["sessions", "revoke"], &["invitations", "create", "--uses", "0"], &["nonsense"]]
    {
        assert_eq!(run_command(folder.path(), &[], arguments).0, 2, "{arguments:?}");
    }
    let (code, _, stderr) = run_command(folder.path(), &[("SIGN_UP", "perhaps")], &["users", "list"]);
    assert!(code == 2 && stderr.contains("SIGN_UP: found perhaps"), "{stderr}");
}

#[test]
fn a_failed_write_to_standard_output_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &[], &["migrate"]);
    for arguments in [&["users", "list"][..], &["invitations", "create"], &["doctor"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = latchkey(folder.path(), &[]).args(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("No space left"), "{arguments:?}");
    }
}

#[test]
fn the_help_lists_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let (help, _) = run_ok(folder.path(), &[], &["--help"]);
    for command in [
        "serve",
        "doctor",
        "migrate",
        "users",
        "sign-in-link",
        "sessions",
        "invitations",
        "groups",
        "roles",
        "apps",
        "export",
        "import",
        "backup",
        "restore",
        "keys",
    ] {
        assert!(help.contains(&format!("  {command}")), "{command}: {help}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_revives_no_session_and_no_email() {
    for backends in Backends::ALL {
        let database = TestDatabase::create(backends).await;
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_of(&database);
        let set = as_str_pairs(&settings);
        let mut program = Program::start(folder.path(), None, &set);
        let browser = sign_up(&program, "ada");
        let former_keys = key_ids(&program);
        let (mut requester, email) = request_sign_up(&program, "eve");
        let token = email.split("?token=").nth(1).unwrap().split_whitespace().next().unwrap();
        let restore: &[&str] = match &database {
            TestDatabase::File(_) => {
                run_ok(folder.path(), &set, &["backup", "copy.db"]);
                sign_up(&program, "later");
                assert_refused(folder.path(), &set, &["restore", "copy.db"], "is in use; stop the server first");
                let data = folder.path().join("new/machine");
                run_ok(folder.path(), &[("DATA_DIR", data.to_str().unwrap())], &["restore", "copy.db"]);
                assert!(data.join("latchkey.db").exists(), "a missing folder is created");
                &["restore", "copy.db"]
            }
            TestDatabase::Server { .. } => {
                assert_refused(folder.path(), &set, &["restore", "copy.dump"], "pg_restore");
                &["restore"]
            }
        };
        program.stop();
        let (_, stderr) = run_ok(folder.path(), &set, restore);
        assert!(stderr.contains("sessions ended: 1;"), "{stderr}");
        for words in ["passkeys removed since then", "recovery codes", "accounts deleted or disabled", "invitations"] {
            assert!(stderr.contains(words), "{words}: {stderr}");
        }
        let program = Program::start(folder.path(), None, &set);
        assert!(!is_signed_in(&mut browser.at(&program)), "{stderr}");
        let replaced = key_ids(&program);
        assert!(replaced.iter().all(|id| !former_keys.contains(id)), "one of them may have been revoked");
        let (list, _) = run_ok(folder.path(), &set, &["users", "list"]);
        assert!(list.contains("ada") && !list.contains("later"), "{list}");
        requester = requester.at(&program);
        assert_eq!(requester.post("/api/email/link", &json!({ "token": token })).unwrap().0, 401);
        drop(program);
        if let TestDatabase::File(data) = &database {
            assert!(data.path().join("test.db.before-restore").exists());
            assert_refused(folder.path(), &set, restore, "test.db.before-restore already exists");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_backup_is_not_restored_and_the_database_is_kept() {
    let database = TestDatabase::create(Backends::Embedded).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_of(&database);
    let set = as_str_pairs(&settings);
    assert_refused(folder.path(), &set, &["restore"], "the database is empty");
    let mut program = Program::start(folder.path(), None, &set);
    let browser = sign_up(&program, "ada");
    run_ok(folder.path(), &set, &["backup", "newer.db"]);
    program.stop();
    fs::write(folder.path().join("garbage.db"), "no database".repeat(1_000)).unwrap();
    let options = SqliteConnectOptions::new().filename(folder.path().join("other.db")).create_if_missing(true);
    let mut other = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("create table notes (text text)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let options = SqliteConnectOptions::new().filename(folder.path().join("newer.db"));
    let mut newer = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let change = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
                  values (9999, 'of tomorrow', true, x'00', 0)";
    sqlx::query(change).execute(&mut newer).await.unwrap();
    newer.close().await.unwrap();
    for (file, words) in [
        ("not-there.db", "not-there.db: no such file"),
        ("garbage.db", "garbage.db"),
        ("other.db", "is not a latchkey backup"),
        ("newer.db", "a newer version of latchkey (migration 9999)"),
    ] {
        assert_refused(folder.path(), &set, &["restore", file], words);
    }
    let program = Program::start(folder.path(), None, &set);
    assert!(is_signed_in(&mut browser.at(&program)), "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wal_file_left_by_a_lost_or_unreadable_database_is_not_replayed() {
    for loss in ["moved away", "overwritten"] {
        let database = TestDatabase::create(Backends::Embedded).await;
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_of(&database);
        let set = as_str_pairs(&settings);
        let mut program = Program::start(folder.path(), None, &set);
        sign_up(&program, "ada");
        run_ok(folder.path(), &set, &["backup", "copy.db"]);
        let later = sign_up(&program, "later");
        program.kill();
        let TestDatabase::File(data) = &database else { unreachable!() };
        let (file, log) = (data.path().join("test.db"), data.path().join("test.db-wal"));
        assert!(log.exists());
        match loss {
            "overwritten" => fs::write(&file, "no database".repeat(1_000)).unwrap(),
            _ => fs::rename(&file, data.path().join("elsewhere.db")).unwrap(),
        }
        run_ok(folder.path(), &set, &["restore", "copy.db"]);
        let program = Program::start(folder.path(), None, &set);
        let (list, _) = run_ok(folder.path(), &set, &["users", "list"]);
        assert!(list.contains("ada") && !list.contains("later"), "{loss}: {list}");
        assert!(!is_signed_in(&mut later.at(&program)), "{loss}");
    }
}
