//! The floor of a sign-in: its indispensable parts, measured one by one, and how far a sign-in is from their sum.

use crate::authenticator::random;
use crate::client::{Client, Target};
use crate::node::{Backends, Meter, Node, scratch};
use crate::ports::free_port;
use crate::report::{Report, Row, millis};
use crate::workload::{Amount, accounts, sign_ins};
use latchkey::server::ephemeral::{Ephemeral, RedisEphemeral};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey};
use sqlx::{Connection, PgConnection, SqliteConnection, query};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Repetitions of each piece.
const TIMES: u32 = 5_000;

/// A piece: its processor time and wall time, per repetition.
struct Piece {
    name: &'static str,
    cpu: f64,
    took: f64,
}

async fn piece<F: AsyncFnMut()>(name: &'static str, mut once: F) -> Piece {
    for _ in 0..TIMES / 10 {
        once().await;
    }
    let (began, meter) = (Instant::now(), Meter::start(vec![std::process::id()]));
    for _ in 0..TIMES {
        once().await;
    }
    Piece { name, cpu: meter.millis_each(TIMES as usize), took: millis(began.elapsed()) / f64::from(TIMES) }
}

pub async fn measure(program: &Path, report: &mut Report) {
    let servers = Backends::servers();
    let Backends::Servers { postgres, redis } = &servers else { return };
    let folder = scratch();

    let key = SigningKey::from_slice(&random::<32>()).unwrap();
    let (message, public) = (random::<69>(), *key.verifying_key());
    let signature: Signature = key.sign(&message);
    let verification = piece("ES256 verification (p256)", async || {
        assert!(std::hint::black_box(&public).verify(&message, &signature).is_ok());
    })
    .await;

    let empty = empty_request().await;

    let ephemeral = RedisEphemeral::open(&redis.url()).unwrap();
    let cache = piece("Redis round trip", async || ephemeral.ping().await.unwrap()).await;

    // One connection without a pool, which would ping it around each statement.
    let mut connection = PgConnection::connect(postgres.url().expose()).await.unwrap();
    let sql = piece("SQL round trip (PostgreSQL)", async || {
        query("select $1::int8").bind(1_i64).execute(&mut connection).await.unwrap();
    })
    .await;
    let file = format!("sqlite://{}?mode=rwc", folder.path().join("floor.db").display());
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let embedded = piece("SQL statement (SQLite)", async || {
        query("select $1").bind(1_i64).execute(&mut connection).await.unwrap();
    })
    .await;

    let floor_servers = verification.cpu + 2.0 * empty.cpu + 2.0 * cache.cpu + 2.0 * sql.cpu;
    let floor_embedded = verification.cpu + 2.0 * empty.cpu + 2.0 * embedded.cpu;
    let pieces = [verification, empty, cache, sql, embedded];
    let row =
        |piece: &Piece| Row { what: piece.name.to_owned(), columns: vec![("CPU ms", piece.cpu), ("ms", piece.took)] };
    report.table("floor", pieces.iter().map(row).collect());

    let mut rows = Vec::new();
    for (backends, floor) in [(&Backends::Embedded, floor_embedded), (&servers, floor_servers)] {
        let folder = scratch();
        let node = Node::start(program, backends, folder.path()).await;
        let (_, passkeys) = accounts(&node.target, 8, 200).await;
        let passkeys = Arc::new(passkeys);
        sign_ins(&node.target, Amount::new(8, 500), &passkeys).await;
        let meter = node.meter();
        let run = sign_ins(&node.target, Amount::new(8, TIMES as usize), &passkeys).await;
        let each = meter.millis_each(run.count());
        let columns = vec![("CPU ms", each), ("floor ms", floor), ("times the floor", each / floor)];
        rows.push(Row { what: format!("sign-in, {}", backends.name()), columns });
    }
    report.table("distance", rows);
}

/// A request to an empty axum server in a separate process, so that the client is not measured.
async fn empty_request() -> Piece {
    let port = free_port();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["empty", &port.to_string()])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let target = Target::from_url(&format!("http://127.0.0.1:{port}"));
    while tokio::net::TcpStream::connect(&target.authority).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut client = Client::new(&target);
    client.get("/").await;
    let (began, meter) = (Instant::now(), Meter::start(vec![child.id()]));
    for _ in 0..TIMES {
        client.get("/").await;
    }
    let (cpu, took) = (meter.millis_each(TIMES as usize), millis(began.elapsed()) / f64::from(TIMES));
    child.kill().unwrap();
    child.wait().unwrap();
    Piece { name: "empty axum request", cpu, took }
}

/// Runs the empty server.
pub async fn serve_nothing(port: u16) {
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "" }));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, router).await.unwrap();
}
