//! The program is killed at arbitrary moments under load: confirmed changes persist, unconfirmed ones are complete or
//! absent, and nothing can be used twice.

use crate::app::{Backends, TestDatabase, address};
use crate::authenticator::SoftPasskey;
use crate::ports::free_port;
use crate::program::{Program, rounds};
use crate::remote::Remote;
use serde_json::Value;
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Results of the load before the program was killed.
#[derive(Default)]
struct LoadResults {
    /// Passkeys of sign-ups that the server confirmed.
    signed_up: Mutex<Vec<SoftPasskey>>,
    /// Assertions that the server accepted, with the browsers that sent them.
    used: Mutex<Vec<(Remote, Value)>>,
}

fn load(
    program: &Program,
    origin: &str,
    results: &Arc<LoadResults>,
    stop: &Arc<AtomicBool>,
) -> Vec<std::thread::JoinHandle<()>> {
    /// Makes names unique across all rounds in this process.
    static NAMES: AtomicUsize = AtomicUsize::new(0);
    (0..4)
        .map(|_| {
            let (results, stop) = (Arc::clone(results), Arc::clone(stop));
            let (port, origin) = (program.port, origin.to_owned());
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let name = format!("crash{}", NAMES.fetch_add(1, Ordering::SeqCst));
                    let mut remote = Remote::new(port, &origin);
                    let Some((passkey, Some((200, _)))) = remote.sign_up(&name) else { continue };
                    if let Some((Some((200, _)), body)) = remote.sign_in(&passkey) {
                        results.used.lock().unwrap().push((remote, body));
                    }
                    results.signed_up.lock().unwrap().push(passkey);
                }
            })
        })
        .collect()
}

async fn count(url: &str, text: &'static str) -> i64 {
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        return sqlx::query_scalar(text).fetch_one(&mut connection).await.unwrap();
    }
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(text).fetch_one(&mut connection).await.unwrap()
}

/// Every account has a passkey and an activity entry, and every session and passkey has an account.
async fn assert_consistent(url: &str) {
    for (what, text) in [
        (
            "accounts without a passkey",
            "select count(*) from users u where not exists (select 1 from passkeys p where p.user_id = u.id)",
        ),
        (
            "accounts without activity",
            "select count(*) from users u where not exists (select 1 from events e where e.user_id = u.id)",
        ),
        (
            "passkeys without an account",
            "select count(*) from passkeys p where not exists (select 1 from users u where u.id = p.user_id)",
        ),
        (
            "sessions without an account",
            "select count(*) from sessions s where not exists (select 1 from users u where u.id = s.user_id)",
        ),
    ] {
        assert_eq!(count(url, text).await, 0, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_leaves_no_partial_writes_and_nothing_to_use_twice() {
    for backends in Backends::ALL {
        let database = TestDatabase::create(backends).await;
        let folder = tempfile::tempdir().unwrap();
        let (url, redis) = match backends {
            Backends::Embedded => (format!("sqlite://{}", folder.path().join("crash.db").display()), String::new()),
            Backends::Servers => (database.url().expose().clone(), address("TEST_REDIS_URL")),
        };
        let settings = [("DATABASE_URL", url.as_str()), ("REDIS_URL", redis.as_str()), ("RATE_LIMITS", "off")];
        kill_repeatedly(folder.path(), &settings, &url).await;
    }
}

async fn kill_repeatedly(folder: &Path, settings: &[(&str, &str)], url: &str) {
    let port = free_port();
    let origin = format!("http://localhost:{port}");
    let mut answered = 0;
    for round in 0..rounds(4, 100) {
        let mut program = Program::start_at(port, folder, None, settings);
        let (results, stop) = (Arc::new(LoadResults::default()), Arc::new(AtomicBool::new(false)));
        let workers = load(&program, &origin, &results, &stop);
        // Waits for the first accepted sign-in, then for a different delay each round.
        let began = Instant::now();
        while results.used.lock().unwrap().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(20), "no sign-in was accepted");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(37 * (round as u64 % 11)));
        program.kill();
        stop.store(true, Ordering::SeqCst);
        for worker in workers {
            worker.join().unwrap();
        }
        assert_consistent(url).await;
        let mut program = Program::start_at(port, folder, None, settings);
        for (mut remote, body) in results.used.lock().unwrap().drain(..).rev().take(3) {
            let (status, refusal) = remote.post("/api/sign-in/finish", &body).unwrap();
            assert_eq!((status, refusal["error"]["code"].as_str()), (401, Some("ceremony_expired")));
        }
        let signed_up = std::mem::take(&mut *results.signed_up.lock().unwrap());
        answered += signed_up.len();
        for passkey in signed_up.iter().rev().take(3) {
            let (finished, _) = Remote::new(port, &origin).sign_in(passkey).unwrap();
            assert_eq!(finished.unwrap().0, 200, "confirmed sign-ups persist");
        }
        assert_eq!(program.stop(), Some(0));
    }
    println!("killed {} times on {}: {answered} sign-ups answered", rounds(4, 100), &url[..url.find(':').unwrap_or(0)]);
}

/// A small round-robin proxy: each connection goes to the next node that accepts it.
struct RoundRobinProxy {
    port: u16,
    nodes: Arc<Mutex<Vec<u16>>>,
}

impl RoundRobinProxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, nodes) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::<u16>::new())));
        let open = Arc::clone(&nodes);
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                let node = {
                    let open = open.lock().unwrap();
                    open[number % open.len()]
                };
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", node)).unwrap());
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || forward(client, server));
                std::thread::spawn(move || forward(back.0, back.1));
            }
        });
        Self { port, nodes }
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

#[test]
fn a_rolling_restart_of_two_nodes_under_load_loses_no_sign_in() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create(Backends::Servers));
    let (url, redis) = (database.url().expose().clone(), address("TEST_REDIS_URL"));
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("REDIS_URL", redis.as_str()),
        ("RATE_LIMITS", "off"),
        ("SECRET_KEY", "the key that both nodes share, 32 bytes"),
    ];
    let (folder, proxy) = (tempfile::tempdir().unwrap(), RoundRobinProxy::start());
    let origin = format!("http://localhost:{}", proxy.port);
    let mut nodes = [(); 2].map(|()| Program::start(folder.path(), Some(&origin), &settings));
    proxy.nodes.lock().unwrap().extend(nodes.iter().map(|node| node.port));
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (stop, done, origin, port) = (Arc::clone(&stop), Arc::clone(&done), origin.clone(), proxy.port);
            std::thread::spawn(move || {
                // One connection per request, so that a ceremony begins at one node and ends at the other.
                let (passkey, outcome) =
                    Remote::without_reuse(port, &origin).sign_up(&format!("roll{worker}")).unwrap();
                assert_eq!(outcome.unwrap().0, 200);
                while !stop.load(Ordering::SeqCst) {
                    let (outcome, _) =
                        Remote::without_reuse(port, &origin).sign_in(&passkey).expect("a sign-in begins");
                    assert_eq!(outcome.expect("a sign-in gets a response").0, 200);
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for round in 0..rounds(2, 20) {
        std::thread::sleep(Duration::from_millis(400));
        let turn = round % 2;
        proxy.nodes.lock().unwrap().retain(|port| *port != nodes[turn].port);
        assert_eq!(nodes[turn].stop(), Some(0));
        nodes[turn] = Program::start(folder.path(), Some(&origin), &settings);
        proxy.nodes.lock().unwrap().push(nodes[turn].port);
    }
    stop.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.join().unwrap();
    }
    let done = done.load(Ordering::SeqCst);
    println!("restarted {} times: {done} sign-ins, none lost", rounds(2, 20));
    assert!(done > 10, "too little load");
}

/// Limits the size of the files that the program can write, to simulate a full disk.
fn limit_files(program: &Program, bytes: &str) {
    let pid = program.child.id().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status().unwrap();
    assert!(set.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_an_outage_without_partial_writes_and_recovery_is_automatic() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("full.db").display());
    let program = Program::start_ignoring_sigxfsz(folder.path(), &[("DATABASE_URL", &url), ("RATE_LIMITS", "off")]);
    let origin = program.origin();
    let mut own = Remote::new(program.port, &origin);
    let (passkey, _) = own.sign_up("ada").unwrap();
    limit_files(&program, "4096");
    let began = Instant::now();
    let (_, outcome) = Remote::new(program.port, &origin).sign_up("eve").unwrap();
    let (status, refusal) = outcome.unwrap();
    assert_eq!((status, refusal["error"]["code"].as_str()), (503, Some("unavailable")));
    assert!(began.elapsed() < Duration::from_secs(4), "it took {:?}", began.elapsed());
    let (outcome, _) = Remote::new(program.port, &origin).sign_in(&passkey).unwrap();
    assert_eq!(outcome.unwrap().0, 503, "sign-ins use a connection of their own");
    assert_eq!(own.get("/api/session").unwrap().0, 200, "existing sessions keep working");
    assert_consistent(&url).await;
    limit_files(&program, "unlimited");
    let began = Instant::now();
    loop {
        let answer = Remote::new(program.port, &origin).sign_in(&passkey);
        if answer.as_ref().is_some_and(|(outcome, _)| outcome.as_ref().is_some_and(|(status, _)| *status == 200)) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it did not recover by itself");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(Remote::new(program.port, &origin).sign_up("eve").unwrap().1.unwrap().0, 200);
}
