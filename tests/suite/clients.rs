//! The commands for clients, presets, secrets and signing keys, run as processes.

use crate::operator::{assert_refused, run_command, run_ok};
use crate::program::Program;
use latchkey::server::clock::{Clock, SystemClock};
use latchkey::server::model::ApplicationId;
use latchkey::server::model::oauth::code_count::{CodeCount, day};
use latchkey::server::store::{CodeCounts, Maintenance, sqlite};
use serde_json::{Value, json};
use std::time::Duration;

const CALLBACK: &str = "https://photos.example.org/callback";

/// The client secret in the table that `apps add` prints.
fn secret_of(out: &str) -> String {
    let words = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let secret = words.filter(|words| words.first() == Some(&"client_secret")).find_map(|words| words.get(1).copied());
    secret.unwrap().to_owned()
}

#[test]
fn a_client_is_registered_by_command_and_its_secret_is_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &[], &["migrate"]);
    let run = |arguments: &[&str]| run_ok(folder.path(), &[], arguments);
    let (out, stderr) = run(&["apps", "add", "photos", "--redirect-uri", CALLBACK]);
    for part in ["issuer", "http://localhost:3000", "client_id", "client_secret"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let secret = secret_of(&out);
    assert!(secret.len() == 43 && stderr.contains("will not be shown again"), "{stderr}");
    let shown = run(&["apps", "show", "photos"]).0;
    assert!(shown.contains(CALLBACK) && shown.contains(&secret[..6]) && !shown.contains(&secret), "{shown}");
    let options = ["--pkce", "optional", "--algorithm", "ES256", "--consent", "always", "--claims-in-id-token"];
    run(&["apps", "edit", "photos", "--claim", "admins:role=owner"]);
    let doctor = || run_command(folder.path(), &[], &["doctor"]).1;
    assert!(doctor().contains("a claim of photos is for the group admins, which does not exist"), "{}", doctor());
    run(&["groups", "add", "admins"]);
    assert!(!doctor().contains("a claim of photos"), "{}", doctor());
    run(&["apps", "edit", "photos", "--claim", ""]);
    let line: Value = serde_json::from_str(run(&["apps", "show", "photos", "--json"]).0.trim()).unwrap();
    assert_eq!(line["claims"], json!([]), "an empty value removes them");
    run(&[&["apps", "edit", "photos", "--claim", "admins:role=admin"][..], &options].concat());
    let line: Value = serde_json::from_str(run(&["apps", "show", "photos", "--json"]).0.trim()).unwrap();
    assert_eq!(
        (&line["pkce"], &line["algorithm"], &line["consent"], &line["claims_in_id_token"], &line["claims"]),
        (&json!("optional"), &json!("ES256"), &json!("always"), &json!(true), &json!(["admins:role=admin"]))
    );
    assert_eq!(line["redirect_uris"], json!([CALLBACK]), "omitted options keep their values");

    let (other, _) = run(&["apps", "secret", "add", "photos", "--expires", "90d"]);
    assert_eq!(other.trim().len(), 43);
    run(&["apps", "secret", "remove", "photos", &secret[..6]]);
    assert_refused(folder.path(), &[], &["apps", "secret", "remove", "photos", &secret[..6]], "no secret begins with");
    let (out, _) = run(&["apps", "add", "phone", "--public", "--redirect-uri", "org.example.phone:/cb", "--json"]);
    let line: Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!((&line["client_secret"], &line["consent"]), (&Value::Null, &json!("always")));
    assert_refused(folder.path(), &[], &["apps", "secret", "add", "phone"], "a public client has no secret");
    run(&["apps", "add", "plain"]);
    assert_refused(
        folder.path(),
        &[],
        &["apps", "secret", "add", "plain"],
        "does not sign users in with OpenID Connect",
    );
}

#[test]
fn each_invalid_option_gets_one_error_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &[], &["migrate"]);
    let uri = ["--redirect-uri", CALLBACK];
    run_ok(folder.path(), &[], &[&["apps", "add", "taken"][..], &uri].concat());
    for (options, words) in [
        (vec!["--redirect-uri", "https://*.example.org/cb"], "wildcard"),
        (vec!["--redirect-uri", "https://x.example/#a"], "fragment"),
        (vec!["--redirect-uri", "javascript:alert(1)"], "https://"),
        (vec!["--public", "--redirect-uri", "http://nas.lan/cb"], "public client"),
        (vec!["--algorithm", "ES256"], "at least one redirect URI"),
        (vec!["--redirect-uri", CALLBACK, "--client-id", "taken"], "another application has the client id"),
        (vec!["--redirect-uri", CALLBACK, "--client-id", "a b"], "a client id must be"),
        (vec!["--redirect-uri", CALLBACK, "--public", "--pkce", "optional"], "must use PKCE"),
        (vec!["--redirect-uri", CALLBACK, "--backchannel-logout-uri", "ftp://x"], "back-channel"),
        (vec!["--preset", "grafana"], "--url"),
        (vec!["--preset", "synapse", "--redirect-uri", CALLBACK], "--url"),
        (vec!["--preset", "grafana", "--url", "https://dash.example.org/?org=1"], "without a query"),
    ] {
        assert_refused(folder.path(), &[], &[&["apps", "add", "new"][..], &options].concat(), words);
    }
    for options in [
        ["--algorithm", "HS256"],
        ["--consent", "maybe"],
        ["--pkce", "plain"],
        ["--claim", "a:sub=x"],
        ["--preset", "x"],
    ] {
        assert_eq!(
            run_command(folder.path(), &[], &[&["apps", "add", "new"][..], &options].concat()).0,
            2,
            "{options:?}"
        );
    }
    assert_refused(folder.path(), &[], &["apps", "show", "new"], "there is no application new");
}

#[test]
fn a_preset_registers_its_uris_and_prints_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &[], &["migrate"]);
    let run = |arguments: &[&str]| run_ok(folder.path(), &[], arguments);
    assert!(run(&["apps", "presets"]).0.lines().count() > 25);
    assert!(run(&["apps", "presets", "immich"]).0.contains("Issuer URL: http://localhost:3000"));
    assert_refused(folder.path(), &[], &["apps", "presets", "none"], "unknown preset none");
    let (out, stderr) = run(&["apps", "add", "dash", "--preset", "grafana", "--url", "https://dash.example.org"]);
    assert!(stderr.contains("paste this into Grafana"), "{stderr}");
    let secret = secret_of(&out);
    for part in ["client_id = dash", &format!("client_secret = {secret}"), "http://localhost:3000/oauth/token"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let line: Value = serde_json::from_str(run(&["apps", "show", "dash", "--json"]).0.trim()).unwrap();
    assert_eq!(line["redirect_uris"], json!(["https://dash.example.org/login/generic_oauth"]));
    assert_eq!(line["name"], "Grafana");
    run(&["apps", "edit", "dash", "--redirect-uri", CALLBACK]);
    run(&["apps", "edit", "dash", "--preset", "grafana"]);
    let line: Value = serde_json::from_str(run(&["apps", "show", "dash", "--json"]).0.trim()).unwrap();
    assert_eq!(line["redirect_uris"], json!(["https://dash.example.org/login/generic_oauth"]), "its URL is known");
}

#[test]
fn a_client_that_becomes_public_loses_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &[], &["migrate"]);
    let run = |arguments: &[&str]| run_ok(folder.path(), &[], arguments).0;
    let secrets = || {
        let line: Value = serde_json::from_str(run(&["apps", "show", "photos", "--json"]).trim()).unwrap();
        line["secrets"].as_array().unwrap().len()
    };
    run(&["apps", "add", "photos", "--redirect-uri", CALLBACK]);
    run(&["apps", "secret", "add", "photos"]);
    assert_eq!(secrets(), 2);
    run(&["apps", "edit", "photos", "--public"]);
    assert_eq!(secrets(), 0);
}

#[test]
fn concurrent_additions_leave_at_most_ten_secrets() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &[], &["migrate"]);
    run_ok(folder.path(), &[], &["apps", "add", "photos", "--redirect-uri", CALLBACK]);
    let path = folder.path();
    let added = std::thread::scope(|scope| {
        let adding: Vec<_> =
            (0..14).map(|_| scope.spawn(|| run_command(path, &[], &["apps", "secret", "add", "photos"]).0)).collect();
        adding.into_iter().map(|one| one.join().unwrap()).filter(|code| *code == 0).count()
    });
    let shown: Value = serde_json::from_str(&run_ok(path, &[], &["apps", "show", "photos", "--json"]).0).unwrap();
    assert_eq!((added, shown["secrets"].as_array().unwrap().len()), (9, 10));
}

#[test]
fn a_redirect_uri_mismatch_is_shown_with_the_command_that_registers_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &[]);
    run_ok(folder.path(), &[], &["apps", "add", "photos", "--redirect-uri", CALLBACK]);
    let keys = || run_ok(folder.path(), &[], &["signing-keys", "list", "--json"]).0;
    let began = std::time::Instant::now();
    while keys().lines().count() < 3 && began.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let mut browser = crate::remote::Remote::new(program.port, &program.origin());
    let encoded_uri = "https%3A%2F%2Fphotos.example.org%2Fcallback%2F%3Ftoken%3Dx";
    let address = format!("/oauth/authorize?client_id=photos&response_type=code&redirect_uri={encoded_uri}");
    assert_eq!(browser.get(&address).unwrap().0, 400);
    let line: Value =
        serde_json::from_str(run_ok(folder.path(), &[], &["apps", "show", "photos", "--json"]).0.trim()).unwrap();
    let (mismatches, secrets) = (&line["mismatches"], &line["secrets"]);
    assert_eq!(mismatches[0]["redirect_uri"], "https://photos.example.org/callback/?token=…");
    assert!(secrets[0]["prefix"].is_string() && secrets[0]["expires_at"].is_null(), "{line}");
    assert_eq!(line["logouts"], json!([]));
    let plain = address.replace("%3Ftoken%3Dx", "");
    let malicious = address.replace("%3Ftoken%3Dx", "';id;'");
    for address in [&plain, &malicious, &plain.replace("callback", "cb%0Ax")] {
        assert_eq!(browser.get(address).unwrap().0, 400);
    }
    let shown = run_ok(folder.path(), &[], &["apps", "show", "photos"]).0;
    let wanted = "latchkey apps edit photos --redirect-uri 'https://photos.example.org/callback' \
                  --redirect-uri 'https://photos.example.org/callback/'\n";
    assert!(shown.contains(wanted) && shown.contains("token=…") && !shown.contains("token=x"), "{shown}");
    assert!(shown.contains("its query values were not stored") && shown.contains("it cannot be registered"), "{shown}");
    let command = shown.lines().find(|line| line.contains("apps edit") && line.contains(";id;")).unwrap();
    let one_word = r"'https://photos.example.org/callback/'\'';id;'\'''";
    assert!(command.ends_with(one_word), "a single shell word: {command}");

    let first = keys();
    assert_eq!(first.matches("\"current\"").count(), 3, "{first}");
    assert!(run_ok(folder.path(), &[], &["signing-keys", "rotate"]).1.contains("3 keys"));
    assert!(run_ok(folder.path(), &[], &["signing-keys", "rotate"]).1.contains("already"));
    let kid = first.lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok()).unwrap()["kid"].clone();
    run_ok(folder.path(), &[], &["signing-keys", "revoke", kid.as_str().unwrap()]);
    assert_refused(folder.path(), &[], &["signing-keys", "revoke", "none"], "there is no signing key");
    assert!(run_ok(folder.path(), &[], &["signing-keys", "list"]).0.contains("revoked"));
    assert!(run_ok(folder.path(), &[], &["signing-keys", "rotate", "--force"]).1.contains("replaced"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_reports_an_application_that_never_redeems_its_codes() {
    let folder = tempfile::tempdir().unwrap();
    let add = ["apps", "add", "photos", "--redirect-uri", CALLBACK, "--who", "everybody"];
    run_ok(folder.path(), &[], &["migrate"]);
    run_ok(folder.path(), &[], &add);
    let count = async |issued, presented| {
        let store = sqlite::open(&folder.path().join("data/latchkey.db"), Duration::from_secs(5)).await.unwrap();
        let (photos, today) = (ApplicationId::parse("photos").unwrap(), day(SystemClock.now()));
        store.add_code_count(&photos, today, CodeCount { issued, presented }).await.unwrap();
        store.close().await;
    };
    let doctor = || run_command(folder.path(), &[], &["doctor"]).1;
    count(2, 0).await;
    assert!(!doctor().contains("authorization codes"), "{}", doctor());
    count(5, 0).await;
    assert!(doctor().contains("7 codes were issued for photos in the last 7 days and none came back"), "{}", doctor());
    count(1, 1).await;
    assert!(!doctor().contains("authorization codes"), "{}", doctor());
}

#[test]
fn a_node_whose_secret_key_cannot_decrypt_the_signing_keys_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &[], &["migrate"]);
    run_ok(folder.path(), &[], &["signing-keys", "rotate"]);
    let port = crate::ports::free_port().to_string();
    let listen = format!("127.0.0.1:{port}");
    let other = [("SECRET_KEY", "another secret key of more than 32 bytes"), ("LISTEN_ADDR", listen.as_str())];
    let (code, _, stderr) = run_command(folder.path(), &other, &["serve"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.lines().last().unwrap().contains("SECRET_KEY"), "{stderr}");
    let (_, doctor, _) = run_command(folder.path(), &other, &["doctor"]);
    assert!(doctor.contains("FAULT   signing keys"), "{doctor}");
    let (_, doctor, _) = run_command(folder.path(), &[], &["doctor"]);
    assert!(doctor.contains("ok      signing keys"), "{doctor}");
}
