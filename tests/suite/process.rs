//! The program itself: how it starts, refuses to start, and stops.

use crate::app::{Backends, TestDatabase};
use crate::mail::server::{Behaviour, Encryption, MailServer};
use crate::ports::free_port;
use crate::program::{exchange, latchkey, wait_until_ready};
use crate::remote::Remote;
use crate::servers::signal;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection, query_scalar};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

fn run(settings: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let Output { status, stderr, .. } = latchkey(folder.path(), settings).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

fn get_readyz(port: u16) -> Option<String> {
    exchange(port, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// Requests a sign-up email directly over a socket.
fn sign_up_by_email(port: u16, name: &str) {
    let body = format!(r#"{{"username":"{name}","email":"{name}@example.org"}}"#);
    let request = format!(
        "POST /api/sign-up/email HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

#[test]
fn all_invalid_settings_are_reported_together_without_secrets() {
    let (code, text) = run(&[
        ("PUBLIC_URL", "http://example.org"),
        ("LISTEN_ADDR", "nowhere"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("SECRET_KEY", "tooshortsecret"),
        ("SESSION_IDLE", "an hour"),
        ("EMAIL_SIGN_IN", "maybe"),
        ("RUST_LOG", "warn,latchkey=loud"),
    ]);
    assert_eq!(code, 2, "{text}");
    for name in ["PUBLIC_URL", "LISTEN_ADDR", "DATABASE_URL", "SECRET_KEY", "SESSION_IDLE", "EMAIL_SIGN_IN", "RUST_LOG"]
    {
        assert!(text.contains(&format!("  {name}: found ")), "{name}: {text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("tooshortsecret"), "{text}");
}

#[test]
fn a_password_anywhere_in_a_url_is_not_printed() {
    for (name, address) in [
        ("SMTP_URL", "user:hunter2@mail.example.org:587"),
        ("SMTP_URL", "http://user:hunter2@mail.example.org"),
        ("DATABASE_URL", "latchkey:hunter2@db/x"),
        ("DATABASE_URL", "postgres:user:hunter2@host/db"),
        ("DATABASE_URL", "postgresql:///db?password=hunter2"),
        ("DATABASE_URL", "postgres://u:hunter2@db/x?sslmode=bogus"),
        ("REDIS_URL", "redis://:hunter2@cache/not-a-number"),
        ("REDIS_URL", "hunter2"),
        ("PUBLIC_URL", "https://user:hunter2@id.example"),
    ] {
        let (code, text) = run(&[(name, address)]);
        assert_eq!(code, 2, "{address}: {text}");
        assert!(text.contains(&format!("  {name}: found ")) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn mistakes_in_the_file_and_in_the_environment_are_reported_together() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Leptos.toml"), "NO_SUCH_THING = 1\nLOG_FORMAT = \"loud\"\n").unwrap();
    let output = latchkey(folder.path(), &[("SESSION_MAX", "soon")]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    for name in ["NO_SUCH_THING", "LOG_FORMAT", "SESSION_MAX"] {
        assert!(text.contains(&format!("  {name}: found ")), "{name}: {text}");
    }
}

/// Settings for a database that does not respond.
fn without_a_database(port: u16) -> [(&'static str, String); 3] {
    let listen = format!("127.0.0.1:{port}");
    let database = format!("postgres://u:hunter2@127.0.0.1:{}/db", free_port());
    [("LISTEN_ADDR", listen), ("DATABASE_URL", database), ("PUBLIC_URL", format!("http://localhost:{port}"))]
}

#[test]
fn startup_waits_for_an_unavailable_database_and_then_reports_it() {
    let settings = without_a_database(free_port());
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let database = settings[1].1.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let began = Instant::now();
    let (code, text) = run(&settings);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("database") && text.contains(&database), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(began.elapsed() >= Duration::from_secs(28), "it waited {:?}", began.elapsed());
}

#[test]
fn a_signal_ends_the_wait_for_a_database() {
    let settings = without_a_database(free_port());
    let folder = tempfile::tempdir().unwrap();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut child = latchkey(folder.path(), &settings).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "it should still be waiting");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_secret_key_is_created_next_to_the_data_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut child = latchkey(folder.path(), &[("LISTEN_ADDR", &listen), ("PUBLIC_URL", &url)]).spawn().unwrap();
        wait_until_ready(&mut child, port);
        signal(&child, "INT");
        assert_eq!(child.wait().unwrap().code(), Some(0));
        keys.push(std::fs::read(folder.path().join("data/secret.key")).unwrap());
    }
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn a_misspelt_name_in_the_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my.toml"), "PUBLIC_ULR = \"https://id.example\"\n").unwrap();
    let output = latchkey(folder.path(), &[]).args(["--config", "my.toml"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("PUBLIC_ULR"), "{text}");
}

#[test]
fn a_missing_configuration_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let output = latchkey(folder.path(), &[]).args(["--config", "missing.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("missing.toml"));
}

#[test]
fn a_port_in_use_is_reported_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = run(&[("LISTEN_ADDR", &address), ("RUST_LOG", "error")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&address) && text.lines().count() == 1, "{text}");
}

#[test]
fn the_program_starts_with_only_a_port_set_and_stops_on_sigterm_and_ctrl_c() {
    for name in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut child = latchkey(folder.path(), &[("LISTEN_ADDR", &format!("127.0.0.1:{port}"))]).spawn().unwrap();
        wait_until_ready(&mut child, port);
        assert!(get_readyz(port).unwrap().contains(r#"{"database":"ok","ephemeral":"ok"}"#));
        assert!(folder.path().join("data/latchkey.db").exists());
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (in_file, in_environment) = (free_port(), free_port());
    std::fs::write(folder.path().join("Leptos.toml"), format!("LISTEN_ADDR = \"127.0.0.1:{in_file}\"\n")).unwrap();
    let mut child =
        latchkey(folder.path(), &[("LISTEN_ADDR", &format!("127.0.0.1:{in_environment}"))]).spawn().unwrap();
    wait_until_ready(&mut child, in_environment);
    signal(&child, "TERM");
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_program_leaves_the_whole_database_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let settings = [("LISTEN_ADDR", listen.as_str()), ("PUBLIC_URL", &url)];
    let mut child = latchkey(folder.path(), &settings).stderr(Stdio::null()).spawn().unwrap();
    wait_until_ready(&mut child, port);
    Remote::new(port, &url).sign_up("ada").unwrap();
    signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
    let file = folder.path().join("data/latchkey.db");
    assert!(!folder.path().join("data/latchkey.db-wal").exists(), "its write-ahead log is removed");
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    let sessions: i64 = query_scalar("select count(*) from sessions").fetch_one(&mut connection).await.unwrap();
    assert_eq!(sessions, 1);
}

#[test]
fn logs_are_text_without_colours_outside_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut child = latchkey(folder.path(), &[("LISTEN_ADDR", &format!("127.0.0.1:{port}"))]).spawn().unwrap();
    wait_until_ready(&mut child, port);
    signal(&child, "TERM");
    let text = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(text.contains(" INFO ") && text.contains("/readyz") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn logs_are_json_on_request_and_contain_routes_without_queries() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let settings = [("LISTEN_ADDR", format!("127.0.0.1:{port}")), ("LOG_FORMAT", "json".to_owned())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut child = latchkey(folder.path(), &settings).spawn().unwrap();
    wait_until_ready(&mut child, port);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /sign-in?next=/topsecret HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_sign_in = lines.iter().filter(|line| line["fields"]["route"] == "/sign-in").count();
    assert_eq!(of_sign_in, 1, "{text}");
    assert!(!text.contains("topsecret"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_email_survives_a_killed_program_and_is_sent_once() {
    for backends in Backends::ALL {
        let database = TestDatabase::create(backends).await;
        let mail =
            MailServer::start(Encryption::None, &[Behaviour::Silent, Behaviour::Silent, Behaviour::Silent]).await;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let address = match backends {
            Backends::Embedded => "sqlite://latchkey.db".to_owned(),
            Backends::Servers => database.url().expose().clone(),
        };
        let settings = [
            ("LISTEN_ADDR", format!("127.0.0.1:{port}")),
            ("PUBLIC_URL", format!("http://localhost:{port}")),
            ("DATABASE_URL", address),
            ("SMTP_URL", mail.url("")),
        ];
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let start = || latchkey(folder.path(), &settings).stderr(Stdio::null()).spawn().unwrap();

        let mut child = start();
        wait_until_ready(&mut child, port);
        sign_up_by_email(port, "ada");
        tokio::time::sleep(Duration::from_secs(1)).await;
        signal(&child, "KILL");
        child.wait().unwrap();
        assert!(mail.received().emails.is_empty());

        mail.behave_normally();
        let mut child = start();
        wait_until_ready(&mut child, port);
        mail.wait_for_emails(1, Duration::from_secs(40)).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(mail.received().emails.len(), 1, "{backends:?}");
        signal(&child, "TERM");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn startup_can_be_stopped_while_it_waits_for_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let lock = std::fs::File::create(data.join("latchkey.db.lock")).unwrap();
    lock.lock().unwrap();
    let port = free_port();
    let mut child = latchkey(folder.path(), &[("LISTEN_ADDR", &format!("127.0.0.1:{port}"))]).spawn().unwrap();
    let began = Instant::now();
    // The program listens before it opens its database.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is not listening");
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, "TERM");
    let began = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
}
