//! Operating the server: metrics, traces and logs, the `doctor` command, and how connections close.

use crate::app::{Backends, TestDatabase};
use crate::mail::server::{Encryption, MailServer};
use crate::ports::free_port;
use crate::program::{Program, exchange, latchkey, wait_until_ready};
use crate::remote::Remote;
use crate::servers::{RedisServer, signal};
use sqlx::{Connection, SqliteConnection};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Runs `doctor`; returns the exit code and the output.
fn doctor(folder: &Path, settings: &[(&str, &str)]) -> (i32, String) {
    let output = latchkey(folder, settings).arg("doctor").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn the_doctor_accepts_the_embedded_default_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let (code, text) = doctor(folder.path(), &[("LISTEN_ADDR", &listen)]);
    assert_eq!(code, 0, "{text}");
    for line in
        ["ok      settings:", "advice  origin:", "./data/latchkey.db will be created", "nothing is listening on"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was created");

    let program = Program::start(folder.path(), None, &[("SECURITY_CONTACT", "mailto:security@example.org")]);
    let settings = [
        ("LISTEN_ADDR", format!("127.0.0.1:{}", program.port)),
        ("PUBLIC_URL", program.origin()),
        ("SECURITY_CONTACT", "mailto:security@example.org".to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (code, text) = doctor(folder.path(), &settings);
    assert_eq!(code, 0, "{text}");
    for line in [
        "its schema is up to date",
        "responds with latchkey's headers",
        "clock of site",
        "/.well-known/passkey-endpoints responds",
        "/.well-known/security.txt responds",
        "disk: ",
        "emails go to the development mailbox",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_checks_servers_and_reports_their_problems() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::create(Backends::Servers).await;
    let mail = MailServer::start(Encryption::None, &[]).await;
    let redis = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]);
    let (url, redis_url, smtp) = (database.url().expose().clone(), redis.url().expose().clone(), mail.url(""));
    let good = [("DATABASE_URL", url.as_str()), ("REDIS_URL", redis_url.as_str()), ("SMTP_URL", smtp.as_str())];
    let owned = good.map(|(name, value)| (name, value.to_owned()));
    let path = folder.path().to_owned();
    let (code, text) = tokio::task::spawn_blocking(move || {
        let settings: Vec<_> = owned.iter().map(|(name, value)| (*name, value.as_str())).collect();
        doctor(&path, &settings)
    })
    .await
    .unwrap();
    assert_eq!(code, 0, "{text}");
    for line in ["connected; it is empty", "maxmemory-policy is allkeys-lru", "clock of redis", "the server responds"] {
        assert!(text.contains(line), "{line}: {text}");
    }

    let closed = free_port();
    let bad = [
        ("DATABASE_URL", format!("postgres://u:hunter2@127.0.0.1:{closed}/db")),
        ("REDIS_URL", format!("redis://:hunter2@127.0.0.1:{closed}")),
        ("SMTP_URL", format!("smtp://127.0.0.1:{closed}")),
    ];
    let bad: Vec<_> = bad.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (code, text) = doctor(folder.path(), &bad);
    assert_eq!(code, 1, "{text}");
    for line in ["FAULT   database:", "FAULT   redis:", "FAULT   mail:"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(doctor(folder.path(), &[("PUBLIC_URL", "nowhere")]).0, 2, "invalid settings");
}

#[test]
fn the_doctor_reports_a_proxy_that_is_not_configured() {
    let folder = tempfile::tempdir().unwrap();
    let key = "k".repeat(32);
    let listen = format!("127.0.0.1:{}", free_port());
    let settings = [
        ("PUBLIC_URL", "https://id.example"),
        ("SECRET_KEY", key.as_str()),
        ("EMAIL_SIGN_IN", "off"),
        ("LISTEN_ADDR", listen.as_str()),
    ];
    let (code, text) = doctor(folder.path(), &settings);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("TRUSTED_PROXIES is empty") && text.contains("passkeys belong to id.example"), "{text}");
}

#[test]
fn metrics_have_a_listener_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let meters = format!("127.0.0.1:{port}");
    let program = Program::start(folder.path(), None, &[("METRICS_ADDR", &meters)]);
    let mut remote = Remote::new(program.port, &program.origin());
    let (passkey, _) = remote.sign_up("ada").unwrap();
    remote.sign_in(&passkey).unwrap();
    remote.post("/api/sign-in/finish", &serde_json::json!({})).unwrap();
    for _ in 0..31 {
        Remote::new(program.port, &program.origin()).post("/api/sign-in/start", &serde_json::json!({})).unwrap();
    }
    let get =
        |path: &str| exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).unwrap();
    let text = get("/metrics");
    for line in [
        "latchkey_sign_ins_total{method=\"passkey\",outcome=\"opened\"} 1",
        "latchkey_sign_ups_total{method=\"passkey\"} 1",
        "latchkey_ceremonies_total{purpose=\"sign-up\",stage=\"finished\"} 1",
        "latchkey_limited_total{limit=\"ceremonies\"}",
        "latchkey_http_request_seconds_bucket{route=\"/api/sign-in/finish\",status=\"200\",le=\"0.25\"} 1",
        "latchkey_database_connections{state=\"idle\"}",
        "latchkey_queued_emails",
        "latchkey_outbox_oldest_seconds",
        "latchkey_backend_up{backend=\"database\"} 1",
        "latchkey_backend_up{backend=\"ephemeral\"} 1",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(get("/").starts_with("HTTP/1.1 404"));
    assert!(
        exchange(program.port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap()
            .starts_with("HTTP/1.1 404")
    );
}

#[test]
fn traces_go_to_the_configured_collector() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    collector.set_nonblocking(true).unwrap();
    let received = std::thread::spawn(move || {
        let began = Instant::now();
        let mut stream = loop {
            match collector.accept() {
                Ok((stream, _)) => break stream,
                Err(_) if began.elapsed() < Duration::from_secs(30) => std::thread::sleep(Duration::from_millis(20)),
                Err(cause) => panic!("nothing was sent: {cause}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..length]);
            if String::from_utf8_lossy(&bytes).contains("latchkey") && length < buffer.len() {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(
        folder.path(),
        None,
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("RUST_LOG", "info"), ("NO_PROXY", "127.0.0.1")],
    );
    Remote::new(program.port, &program.origin()).sign_up("ada").unwrap();
    assert_eq!(program.stop(), Some(0));
    let text = received.join().unwrap();
    assert!(text.starts_with("POST /v1/traces HTTP/1.1"), "{text}");
    assert!(
        text.contains("application/x-protobuf") && text.contains("service.name") && text.contains("request"),
        "{text}"
    );
}

#[test]
fn every_security_event_is_one_log_line_after_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let settings = [("LISTEN_ADDR", listen.as_str()), ("PUBLIC_URL", &url), ("LOG_FORMAT", "json")];
    let mut child = latchkey(folder.path(), &settings).stdout(Stdio::null()).spawn().unwrap();
    wait_until_ready(&mut child, port);
    let mut remote = Remote::new(port, &url);
    remote.sign_up("ada").unwrap();
    remote.post("/api/sign-out", &serde_json::json!({})).unwrap();
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let audit: Vec<_> = lines.filter(|line| line["target"] == "latchkey::audit").collect();
    let events = audit.iter().map(|line| line["fields"]["event"].as_str().unwrap());
    // The server creates its signing keys in the background.
    let events: Vec<_> = events.filter(|event| *event != "signing_key_added").collect();
    assert_eq!(events, ["signed_up", "signed_out"]);
    assert!(audit[0]["fields"]["user"].as_str().unwrap().len() == 36 && !text.contains("ada@example.org"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_program_reports_a_newer_schema_and_exits() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path(), None, &[]).stop();
    let file = format!("sqlite://{}", folder.path().join("data/latchkey.db").display());
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
                 values (9999, 'of tomorrow', true, x'00', 0)";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let output = latchkey(folder.path(), &[("LISTEN_ADDR", "127.0.0.1:0"), ("RUST_LOG", "error")]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("a newer version of latchkey") && text.contains("9999") && text.lines().count() == 1,
        "{text}"
    );
    let (code, text) = doctor(folder.path(), &[]);
    assert!(code == 1 && text.contains("FAULT   database: a newer version"), "{text}");
}

#[test]
fn slow_senders_are_dropped_and_do_not_delay_others() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &[]);
    let mut slow: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", program.port)).unwrap();
            stream.write_all(b"POST /api/sign-in/start HTTP/1.1\r\nHost: local").unwrap();
            stream
        })
        .collect();
    let began = Instant::now();
    assert!(crate::program::is_ready(program.port));
    assert!(began.elapsed() < Duration::from_secs(2));
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
        let mut rest = Vec::new();
        assert!(stream.read_to_end(&mut rest).is_ok(), "the server closes the connection");
    }
    assert!(began.elapsed() < Duration::from_secs(22), "it took {:?}", began.elapsed());
}

#[test]
fn requests_in_flight_finish_before_the_program_exits() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), None, &[]);
    let mut stream = TcpStream::connect(("127.0.0.1", program.port)).unwrap();
    let head = "POST /api/sign-in/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal(&program.child, "TERM");
    std::thread::sleep(Duration::from_millis(700));
    assert!(TcpStream::connect(("127.0.0.1", program.port)).is_err(), "no new connection is accepted");
    stream.write_all(b"}").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("publicKey"), "{answer}");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_redis_cluster_works_as_one_server() {
    let nodes: Vec<_> = (0..3).map(|_| RedisServer::start(&["--cluster-enabled", "yes"])).collect();
    for (number, node) in nodes.iter().enumerate() {
        let first = number * 5_462;
        let last = if number == 2 { 16_383 } else { first + 5_461 };
        node.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
        node.command(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
        node.command(&["CLUSTER", "MEET", "127.0.0.1", &nodes[0].port.to_string()]);
    }
    let began = Instant::now();
    while !nodes.iter().all(|node| {
        node.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
            && node.command(&["CLUSTER", "INFO"]).contains("cluster_known_nodes:3")
    }) {
        assert!(began.elapsed() < Duration::from_secs(30), "the cluster did not form");
        std::thread::sleep(Duration::from_millis(200));
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redis://127.0.0.1:{}?cluster=true", nodes[0].port);
    let program = Program::start(folder.path(), None, &[("REDIS_URL", &url)]);
    let mut passkeys = Vec::new();
    for number in 0..5 {
        let mut remote = Remote::new(program.port, &program.origin());
        let (passkey, outcome) = remote.sign_up(&format!("ada{number}")).unwrap();
        assert_eq!(outcome.unwrap().0, 200);
        passkeys.push(passkey);
    }
    for passkey in passkeys {
        let (outcome, body) = Remote::new(program.port, &program.origin()).sign_in(&passkey).unwrap();
        assert_eq!(outcome.unwrap().0, 200);
        let mut again = Remote::new(program.port, &program.origin());
        assert_eq!(again.post("/api/sign-in/finish", &body).unwrap().0, 401);
    }
    let starts = (0..40).map(|_| {
        Remote::new(program.port, &program.origin()).post("/api/sign-in/start", &serde_json::json!({})).unwrap().0
    });
    // Five sign-ups and five sign-ins used 10 of 30 attempts; the limit may have refilled a few since.
    assert!((20..30).contains(&starts.filter(|status| *status == 200).count()));
    let keys: Vec<_> = nodes.iter().map(|node| node.command(&["DBSIZE"])).collect();
    assert!(keys.iter().all(|count| count != "int(0)"), "every node has keys: {keys:?}");
    let (code, text) = doctor(folder.path(), &[("REDIS_URL", &url), ("LISTEN_ADDR", "127.0.0.1:1")]);
    assert!(code == 0 && text.contains("ok      redis: version"), "{text}");
}

#[test]
fn startup_warns_about_passkeys_of_another_public_url() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), None, &[]);
    for name in ["ada", "eve"] {
        Remote::new(program.port, &program.origin()).sign_up(name).unwrap();
    }
    assert_eq!(program.stop(), Some(0));
    let port = free_port();
    let (listen, moved) = (format!("127.0.0.1:{port}"), format!("http://moved.localhost:{port}"));
    let settings = [("LISTEN_ADDR", listen.as_str()), ("PUBLIC_URL", &moved), ("RUST_LOG", "warn")];
    let mut child = latchkey(folder.path(), &settings).stdout(Stdio::null()).spawn().unwrap();
    wait_until_ready(&mut child, port);
    // The server counts them in the background.
    let (sender, lines) = std::sync::mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let warning = std::iter::from_fn(|| lines.recv_timeout(Duration::from_secs(20)).ok())
        .find(|line| line.contains("passkeys of another PUBLIC_URL") && line.contains("count=2"));
    signal(&child, "TERM");
    child.wait().unwrap();
    assert!(warning.is_some());
    let (code, text) = doctor(folder.path(), &settings[..2]);
    assert!(code == 0 && text.contains("2 were created under another PUBLIC_URL"), "{text}");
}
