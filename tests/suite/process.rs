//! The program itself: how it starts, refuses to start, and ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn latchkey(folder: &TempDir, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.arg0("latchkey").current_dir(folder.path()).env_clear().env("PATH", std::env::var("PATH").unwrap());
    command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn run(settings: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let Output { status, stderr, .. } = latchkey(&folder, settings).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

fn answering(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

fn wait_until_ready(child: &mut Child, port: u16) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if answering(port).is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it does not answer");
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap().success());
}

#[test]
fn every_wrong_setting_is_reported_at_once_and_secrets_are_not_printed() {
    let (code, text) = run(&[
        ("PUBLIC_URL", "http://example.org"),
        ("LISTEN_ADDR", "nowhere"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("SECRET_KEY", "tooshortsecret"),
        ("SESSION_IDLE", "an hour"),
        ("EMAIL_SIGN_IN", "maybe"),
    ]);
    assert_eq!(code, 2, "{text}");
    for name in ["PUBLIC_URL", "LISTEN_ADDR", "DATABASE_URL", "SECRET_KEY", "SESSION_IDLE", "EMAIL_SIGN_IN"] {
        assert!(text.contains(&format!("  {name}: found ")), "{name}: {text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("tooshortsecret"), "{text}");
}

#[test]
fn a_misspelt_name_in_the_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my.toml"), "PUBLIC_ULR = \"https://id.example\"\n").unwrap();
    let output = latchkey(&folder, &[]).args(["--config", "my.toml"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("PUBLIC_ULR"), "{text}");
}

#[test]
fn a_named_file_that_is_missing_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let output = latchkey(&folder, &[]).args(["--config", "missing.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("missing.toml"));
}

#[test]
fn a_taken_port_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = run(&[("LISTEN_ADDR", &address), ("RUST_LOG", "error")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&address) && text.lines().count() == 1, "{text}");
}

#[test]
fn it_starts_with_nothing_set_but_a_port_and_ends_at_sigterm_and_at_ctrl_c() {
    for name in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut child = latchkey(&folder, &[("LISTEN_ADDR", &format!("127.0.0.1:{port}"))]).spawn().unwrap();
        wait_until_ready(&mut child, port);
        assert!(answering(port).unwrap().contains(r#"{"database":"ok","ephemeral":"ok"}"#));
        assert!(folder.path().join("data/latchkey.db").exists());
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (in_file, in_environment) = (free_port(), free_port());
    std::fs::write(folder.path().join("Leptos.toml"), format!("LISTEN_ADDR = \"127.0.0.1:{in_file}\"\n")).unwrap();
    let mut child = latchkey(&folder, &[("LISTEN_ADDR", &format!("127.0.0.1:{in_environment}"))]).spawn().unwrap();
    wait_until_ready(&mut child, in_environment);
    signal(&child, "TERM");
    child.wait().unwrap();
}

#[test]
fn logs_are_json_on_demand_and_hold_routes_without_queries() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let settings = [("LISTEN_ADDR", format!("127.0.0.1:{port}")), ("LOG_FORMAT", "json".to_owned())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut child = latchkey(&folder, &settings).spawn().unwrap();
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
