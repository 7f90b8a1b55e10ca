//! How often a sign-in waits for PostgreSQL and for Redis: a budget in numbers, not in time.

use crate::app::{Backends, TestDatabase, address};
use crate::program::Program;
use crate::remote::Remote;
use crate::wire::{Protocol, Wire};
use serde_json::json;
use std::time::Duration;

/// Round trips to Redis and to the database: of a start, of a finish, and of a look at the session.
type Counts = ((usize, usize), (usize, usize), (usize, usize));

/// Counts on the way to a server; gives the address that leads there.
async fn counted(address: &str, protocol: Protocol) -> (Wire, String) {
    let mut url = url::Url::parse(address).unwrap();
    let usual = match protocol {
        Protocol::Postgres => 5432,
        Protocol::Redis => 6379,
    };
    let wire = Wire::start(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(usual)), protocol).await;
    url.set_host(Some(&wire.address.ip().to_string())).unwrap();
    url.set_port(Some(wire.address.port())).unwrap();
    (wire, url.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_takes_one_round_trip_to_redis_each_way_and_two_to_the_database() {
    let database = TestDatabase::create(Backends::Servers).await;
    let (sql, database_url) = counted(database.url().expose(), Protocol::Postgres).await;
    let (redis, redis_url) = counted(&address("TEST_REDIS_URL"), Protocol::Redis).await;
    let settings = [
        ("DATABASE_URL", database_url.as_str()),
        ("REDIS_URL", redis_url.as_str()),
        ("RATE_LIMITS", "on"),
        // No worker looks for emails meanwhile.
        ("EMAIL_SIGN_IN", "off"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &settings);
    let count = move || (redis.take(), sql.take());
    let all = tokio::task::spawn_blocking(move || {
        let origin = program.origin();
        let mut remote = Remote::new(program.port, &origin);
        let (passkey, _) = remote.sign_up("ada").unwrap();
        // Statements are prepared at their first use on each connection, and the sweeper may be at work: the least counts.
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
