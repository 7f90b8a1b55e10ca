//! How often a sign-in, here or at an application, waits for PostgreSQL and Redis: a budget of round trips, not time.

use crate::app::{Backends, TestDatabase, address};
use crate::counting_proxy::{CountingProxy, Protocol};
use crate::operator::{as_str_pairs, run_ok};
use crate::program::Program;
use crate::remote::Remote;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Round trips to Redis and to the database, for three steps.
type Counts = ((usize, usize), (usize, usize), (usize, usize));

/// Starts a counting proxy for a server; returns the proxy and the URL through it.
async fn start_counting_proxy(address: &str, protocol: Protocol) -> (CountingProxy, String) {
    let mut url = url::Url::parse(address).unwrap();
    let usual = match protocol {
        Protocol::Postgres => 5432,
        Protocol::Redis => 6379,
    };
    let wire =
        CountingProxy::start(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(usual)), protocol).await;
    url.set_host(Some(&wire.address.ip().to_string())).unwrap();
    url.set_port(Some(wire.address.port())).unwrap();
    (wire, url.into())
}

/// Starts a node behind two of these proxies; the returned function gives the round trips since its last call.
async fn counted_node(
    folder: &Path,
) -> (TestDatabase, Program, Vec<(&'static str, String)>, impl Fn() -> (usize, usize) + use<>) {
    let database = TestDatabase::create(Backends::Servers).await;
    let (sql, database_url) = start_counting_proxy(database.url().expose(), Protocol::Postgres).await;
    let (redis, redis_url) = start_counting_proxy(&address("TEST_REDIS_URL"), Protocol::Redis).await;
    let settings = vec![
        ("DATABASE_URL", database_url),
        ("REDIS_URL", redis_url),
        ("RATE_LIMITS", "on".to_owned()),
        // No email worker polls meanwhile.
        ("EMAIL_SIGN_IN", "off".to_owned()),
    ];
    let program = Program::start(folder, None, &as_str_pairs(&settings));
    (database, program, settings, move || (redis.take(), sql.take()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_sign_on_stays_within_its_round_trip_budget() {
    let folder = tempfile::tempdir().unwrap();
    let (_database, program, settings, count) = counted_node(folder.path()).await;
    let all = tokio::task::spawn_blocking(move || {
        let callback = "https://photos.example/callback";
        let add = ["apps", "add", "photos", "--who", "everybody", "--redirect-uri", callback, "--pkce", "optional"];
        let (added, _) = run_ok(folder.path(), &as_str_pairs(&settings), &[&add[..], &["--json"]].concat());
        let added: Value = serde_json::from_str(&added).unwrap();
        let basic = format!("Basic {}", STANDARD.encode(format!("photos:{}", added["client_secret"].as_str().unwrap())));
        let mut remote = Remote::new(program.port, &program.origin());
        let began = Instant::now();
        while remote.get("/oauth/jwks").unwrap().0 != 200 {
            assert!(began.elapsed() < Duration::from_mins(1), "no signing keys");
            std::thread::sleep(Duration::from_millis(100));
        }
        remote.sign_up("ada").unwrap();
        let address = format!(
            "/oauth/authorize?client_id=photos&response_type=code&prompt=none&scope=openid+profile&redirect_uri={callback}"
        );
        let mut all = Vec::new();
        for _ in 0..28 {
            std::thread::sleep(Duration::from_millis(50));
            count();
            let location = remote.location(&address).unwrap();
            let authorize = count();
            let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).expect(&location);
            let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback)];
            let (status, tokens) = remote.form("/oauth/token", &basic, &fields).unwrap();
            let token = count();
            assert_eq!(status, 200, "{tokens}");
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            assert_eq!(remote.get_authorized("/oauth/userinfo", &bearer).unwrap().0, 200);
            all.push((authorize, token, count()));
        }
        all
    })
    .await
    .unwrap();
    let least = |of: fn(&Counts) -> (usize, usize)| all.iter().map(of).min().unwrap();
    let (authorize, token, userinfo) = (least(|all| all.0), least(|all| all.1), least(|all| all.2));
    assert_eq!((authorize, token, userinfo), ((1, 1), (1, 2), (0, 1)), "Redis and SQL, of all: {all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_takes_one_round_trip_to_redis_each_way_and_two_to_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let (_database, program, _, count) = counted_node(folder.path()).await;
    let all = tokio::task::spawn_blocking(move || {
        let origin = program.origin();
        let mut remote = Remote::new(program.port, &origin);
        let (passkey, _) = remote.sign_up("ada").unwrap();
        // Statements are prepared on first use on each connection, and cleanup may be running, so the minimum counts.
        let mut all = Vec::new();
        for _ in 0..28 {
            std::thread::sleep(Duration::from_millis(50));
            count();
            let (_, options) = remote.post("/api/sign-in/start", &json!({})).unwrap();
            let start = count();
            let credential = passkey.assertion(&options["publicKey"], &origin).json();
            let (status, _) = remote.post("/api/sign-in/finish", &json!({ "credential": credential })).unwrap();
            let finish = count();
            assert_eq!(status, 200);
            remote.get("/api/session").unwrap();
            all.push((start, finish, count()));
        }
        all
    })
    .await
    .unwrap();
    let least = |of: fn(&Counts) -> (usize, usize)| all.iter().map(of).min().unwrap();
    let (start, finish, session) = (least(|all| all.0), least(|all| all.1), least(|all| all.2));
    assert_eq!((start, finish, session), ((1, 0), (1, 2), (0, 1)), "Redis and SQL, of all: {all:?}");
}
