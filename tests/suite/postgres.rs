//! PostgreSQL in real-world setups: encodings, isolation levels, poolers, sockets, passwords and addresses.

use crate::ports::free_port;
use crate::program::{Program, latchkey};
use crate::remote::Remote;
use crate::servers::{PgBouncer, PostgresServer};
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs a program that must fail to start; returns its output and how long that took.
fn start_and_fail(folder: &Path, settings: &[(&str, &str)]) -> (String, Duration) {
    let began = Instant::now();
    let listen = format!("127.0.0.1:{}", free_port());
    let all: Vec<_> = [("LISTEN_ADDR", listen.as_str())].into_iter().chain(settings.iter().copied()).collect();
    let output = latchkey(folder, &all).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!text.contains(" at line "), "a library's message: {text}");
    (text, began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_store_every_name_is_refused() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = encoding.to_lowercase();
        server.run(&format!("create database {name} encoding '{encoding}' template template0 locale 'C'")).await;
        let url = format!("postgres://latchkey@127.0.0.1:{}/{name}", server.port);
        let (text, took) = start_and_fail(folder.path(), &[("DATABASE_URL", &url)]);
        assert!(text.contains(&format!("its encoding is {encoding}")) && text.contains("--encoding=UTF8"), "{text}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_default_isolation_level_breaks_no_sign_in() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    for isolation in ["serializable", "repeatable read"] {
        server.run(&format!("alter database postgres set default_transaction_isolation = '{isolation}'")).await;
        server.run("alter role latchkey set default_transaction_deferrable = on").await;
        let url = server.url();
        let program = Program::start(folder.path(), None, &[("DATABASE_URL", url.expose()), ("RATE_LIMITS", "off")]);
        let name = if isolation == "serializable" { "ada" } else { "eve" };
        let (passkey, _) = Remote::new(program.port, &program.origin()).sign_up(name).unwrap();
        let at_once: Vec<_> = (0..16)
            .map(|_| {
                let (mut remote, passkey) = (Remote::new(program.port, &program.origin()), passkey.clone());
                std::thread::spawn(move || {
                    (0..10).map(|_| remote.sign_in(&passkey).unwrap().0.unwrap().0).collect::<Vec<_>>()
                })
            })
            .collect();
        for thread in at_once {
            let statuses = thread.join().unwrap();
            assert!(statuses.iter().all(|status| *status == 200), "{isolation}: {statuses:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_works_in_session_mode_and_is_refused_in_transaction_mode() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    for mode in ["transaction", "statement"] {
        let pooler = PgBouncer::start(&server, mode);
        for command in ["serve", "migrate"] {
            let url = pooler.url();
            let listen = format!("127.0.0.1:{}", free_port());
            let settings = [("DATABASE_URL", url.as_str()), ("LISTEN_ADDR", listen.as_str()), ("RUST_LOG", "error")];
            let began = Instant::now();
            let output = latchkey(folder.path(), &settings).arg(command).output().unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{text}");
            assert!(text.contains("transaction mode is not supported") && text.lines().count() == 1, "{text}");
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        }
    }
    let pooler = PgBouncer::start(&server, "session");
    let url = pooler.url();
    let mut program = Program::start(folder.path(), None, &[("DATABASE_URL", &url)]);
    let mut remote = Remote::new(program.port, &program.origin());
    let (passkey, outcome) = remote.sign_up("ada").unwrap();
    assert_eq!(outcome.unwrap().0, 200);
    for _ in 0..20 {
        assert_eq!(Remote::new(program.port, &program.origin()).sign_in(&passkey).unwrap().0.unwrap().0, 200);
    }
    assert_eq!(program.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_is_reached_by_its_folder() {
    let (sockets, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = PostgresServer::start_with_socket(sockets.path());
    let host = sockets.path().display().to_string();
    let encoded = host.replace('/', "%2F");
    for url in [
        format!("postgres:///postgres?host={host}&port={}&user=latchkey", server.port),
        format!("postgres://latchkey@{encoded}:{}/postgres", server.port),
    ] {
        let mut program = Program::start(folder.path(), None, &[("DATABASE_URL", &url)]);
        assert_eq!(program.stop(), Some(0), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn permanent_connection_errors_are_not_retried() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    server.add_role_with_password("locked", "right").await;
    for (who, database, words) in [
        ("locked:wrong", "postgres", "password authentication failed"),
        ("missing", "postgres", "does not exist"),
        ("latchkey", "missing", "does not exist"),
    ] {
        let url = format!("postgres://{who}@127.0.0.1:{}/{database}", server.port);
        let (text, took) = start_and_fail(folder.path(), &[("DATABASE_URL", &url), ("RUST_LOG", "error")]);
        assert!(text.contains(words) && text.contains(&server.port.to_string()), "{text}");
        assert!(text.lines().count() == 1 && !text.contains("wrong"), "{text}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[test]
fn a_server_of_another_kind_is_reported_without_a_driver_message() {
    let folder = tempfile::tempdir().unwrap();
    let other = Program::start(folder.path(), None, &[]);
    let url = format!("postgres://u:secret@127.0.0.1:{}/db", other.port);
    let output = latchkey(folder.path(), &[("DATABASE_URL", &url)]).args(["users", "list"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && text.contains(&other.port.to_string()), "{text}");
    assert!(!text.contains("sqlx") && !text.contains("secret"), "{text}");
}

#[test]
fn an_unusable_database_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is no database, however long it may be read".repeat(100)).unwrap();
    let in_file = folder.path().join("garbage.db/below");
    for (setting, path) in [
        ("DATABASE_URL", garbage.clone()),
        ("DATABASE_URL", "/proc/latchkey/new.db".into()),
        ("DATABASE_URL", "/dev/full".into()),
        ("DATABASE_URL", in_file.join("new.db")),
        ("DATA_DIR", in_file),
        ("DATA_DIR", "/proc/latchkey".into()),
    ] {
        let path = path.display().to_string();
        let value = if setting == "DATABASE_URL" { format!("sqlite://{path}") } else { path.clone() };
        let (text, _) = start_and_fail(folder.path(), &[(setting, &value), ("RUST_LOG", "error")]);
        let named = path.trim_end_matches("/new.db");
        assert!(text.contains(named) && text.lines().count() == 1, "{setting}={value}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_in_a_url_is_logged() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let url = format!(
        "postgres://latchkey:hunter1@127.0.0.1:{}/postgres?sslpassword=hunter2&channel_binding=hunter3&sslmode=prefer",
        server.port
    );
    for (name, value) in [("RUST_LOG", "trace"), ("RUST_LOG", "sqlx=trace,info")] {
        for command in ["migrate", "doctor"] {
            let settings = [("DATABASE_URL", url.as_str()), ("LISTEN_ADDR", "127.0.0.1:1"), (name, value)];
            let output = latchkey(folder.path(), &settings).arg(command).output().unwrap();
            let text = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
            assert!(!text.contains("hunter"), "{command}: {text}");
            assert!(
                text.contains("unknown parameter of DATABASE_URL ignored name=\"sslpassword\""),
                "{command}: {text}"
            );
            assert_eq!(output.status.code(), Some(0), "{text}");
        }
    }
    // URLs of other servers contain secrets, too.
    for (name, value) in [
        ("REDIS_URL", format!("redis://:hunter4@127.0.0.1:{}/?secret=hunter5", free_port())),
        ("SMTP_URL", format!("smtp://post:hunter6@localhost:{}", free_port())),
    ] {
        let settings = [(name, value.as_str()), ("LISTEN_ADDR", "127.0.0.1:1"), ("RUST_LOG", "trace")];
        let output = latchkey(folder.path(), &settings).arg("doctor").output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("hunter") && text.contains("FAULT"), "{text}");
    }
}

#[test]
fn a_new_database_is_logged_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let stderr_of = |data: &str| {
        let output = latchkey(folder.path(), &[("DATA_DIR", data)]).arg("migrate").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let first = stderr_of("data");
    let place = folder.path().join("data/latchkey.db").display().to_string();
    assert!(first.contains("WARN") && first.contains("new database created") && first.contains(&place), "{first}");
    assert!(!stderr_of("data").contains("new database created"));
    assert!(stderr_of("dta").contains("new database created"), "a mistyped folder");
    std::fs::create_dir(folder.path().join("full")).unwrap();
    std::fs::write(folder.path().join("full/latchkey.db"), "").unwrap();
    assert!(stderr_of("full").contains("new database created"), "an empty file");
}
