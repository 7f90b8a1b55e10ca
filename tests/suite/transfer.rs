//! Moving signing keys from one database to another.

use crate::operator::{assert_refused, run_ok};
use crate::program::{Program, exchange, latchkey};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};

/// The ids of the keys that a server publishes, once the first ones exist.
pub fn key_ids(program: &Program) -> Vec<String> {
    let head = format!("GET /oauth/jwks HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", program.port);
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(1) {
        let answer = exchange(program.port, &head).unwrap_or_default();
        if let Some((head, body)) = answer.split_once("\r\n\r\n")
            && head.starts_with("HTTP/1.1 200")
        {
            let set: Value = serde_json::from_str(body).unwrap();
            return set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("no signing keys were created");
}

#[tokio::test(flavor = "multi_thread")]
async fn exported_keys_are_encrypted_with_a_passphrase_and_work_under_another_secret_key() {
    let (old, new, bare) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = |text: &'static str| [("SECRET_KEY", text)];
    let old_key = secret("the secret key of the old machine");
    let new_key = secret("the secret key of the new machine");
    let mut program = Program::start(old.path(), None, &old_key);
    let ids = key_ids(&program);
    program.stop();
    let shared = tempfile::tempdir().unwrap();
    let path = |name: &str| shared.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("passphrase"), "correct horse battery\n").unwrap();
    fs::write(path("wrong"), "wrong horse battery\n").unwrap();
    fs::write(path("short"), "short\n").unwrap();
    let with = |name: &str| format!("--passphrase-file={}", path(name));
    assert_refused(old.path(), &old_key, &["export", &path("a"), &with("short")], "at least 12 characters");
    assert_refused(old.path(), &old_key, &["export", &path("a"), &with("not-there")], "not-there");
    assert_refused(
        old.path(),
        &new_key,
        &["export", &path("a"), &with("passphrase")],
        "wrong passphrase or SECRET_KEY",
    );
    run_ok(old.path(), &old_key, &["export", &path("a"), &with("passphrase")]);
    run_ok(old.path(), &old_key, &["export", &path("b")]);

    assert_refused(new.path(), &new_key, &["import", &path("a")], "pass --passphrase-file PATH");
    assert_refused(new.path(), &new_key, &["import", &path("a"), &with("wrong")], "wrong passphrase");
    let costly = fs::read_to_string(path("a")).unwrap().replace("\"iterations\":600000", "\"iterations\":4000000000");
    fs::write(path("costly"), costly).unwrap();
    assert_refused(new.path(), &new_key, &["import", &path("costly"), &with("passphrase")], "too many iterations");
    let made = |folder: &tempfile::TempDir| folder.path().join("data/latchkey.db").exists();
    assert_refused(bare.path(), &new_key, &["import", &path("a")], "pass --passphrase-file PATH");
    assert!(made(&new) && !made(&bare), "without a passphrase nothing is created");
    run_ok(new.path(), &new_key, &["import", &path("a"), &with("passphrase")]);
    assert_eq!(key_ids(&Program::start(new.path(), None, &new_key)), ids, "existing tokens stay valid");

    assert_refused(
        bare.path(),
        &new_key,
        &["import", &path("b"), &with("passphrase")],
        "exported without a passphrase",
    );
    let (_, stderr) = run_ok(bare.path(), &new_key, &["import", &path("b")]);
    assert!(stderr.contains("SECRET_KEY cannot decrypt the imported signing keys"), "{stderr}");
    let ended = latchkey(bare.path(), &[("LISTEN_ADDR", "127.0.0.1:0"), new_key[0]]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let both = [new_key[0], ("SECRET_KEY_PREVIOUS", old_key[0].1)];
    assert_eq!(key_ids(&Program::start(bare.path(), None, &both)), ids);
}
