//! Whether it gets slower as the number of accounts grows, and whether clearing away what has ended is noticed.

use crate::node::{Backends, Meter, Node, scratch};
use crate::population::{BUSY, Tables, Template, fill, passkey, templates};
use crate::report::{Report, Row, median, millis, quantile};
use crate::workload::{Run, accounts, browsers, older_pages, sign_ins, views, visit};
use sqlx::Connection;
use std::path::Path;
use std::sync::Arc;

/// Sign-ins in a run, each by another account; runs, of which the median is told.
const SIGN_INS: u32 = 2_000;
const RUNS: u32 = 5;
/// Sessions that end while others sign in.
const ENDED: u32 = 100_000;

pub async fn measure(program: &Path, sizes: &[u32], report: &mut Report) {
    for backends in [Backends::Embedded, Backends::servers()] {
        let folder = scratch();
        let templates = first_accounts(program, &backends, folder.path()).await;
        let (mut rows, mut filled) = (Vec::new(), 0);
        for &size in sizes {
            fill(&backends.database(folder.path()), filled, size, &templates, Tables::All).await;
            filled = size;
            rows.push(at(program, &backends, folder.path(), size, &templates).await);
        }
        report.table(&format!("growth, {}", backends.name()), rows);
        let rows = sweep(program, &backends, folder.path(), filled, &templates).await;
        report.table(&format!("clearing away, {}", backends.name()), rows);
    }
    migrations(program, sizes.iter().copied().max().unwrap_or_default(), report).await;
}

async fn first_accounts(program: &Path, backends: &Backends, folder: &Path) -> Vec<Template> {
    let node = Node::start(program, backends, folder).await;
    let (_, passkeys) = accounts(&node.target, 4, 64).await;
    templates(&backends.database(folder), passkeys).await
}

/// Measures the database's own processes, where it has any.
fn database_meter(backends: &Backends) -> Meter {
    Meter::start(match backends {
        Backends::Embedded => Vec::new(),
        Backends::Servers { postgres, .. } => postgres.pids(),
    })
}

async fn at(program: &Path, backends: &Backends, folder: &Path, size: u32, templates: &[Template]) -> Row {
    let node = Node::start(program, backends, folder).await;
    // Spread over all accounts, another part of them in each run.
    let of = |run: u32| {
        (0..SIGN_INS).map(move |turn| u32::try_from((u64::from(turn * RUNS + run) * 7_919) % u64::from(size)).unwrap())
    };
    let mut warm: Vec<_> = of(0).take(200).map(|number| passkey(number, templates)).collect();
    sign_ins(&node.target, 4, 200, None, &Arc::new(warm.clone())).await;
    let (mut own, mut database, mut p50, mut p99) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let passkeys = Arc::new(of(run).map(|number| passkey(number, templates)).collect());
        let (meter, databases) = (node.meter(), database_meter(backends));
        let done = sign_ins(&node.target, 4, SIGN_INS as usize, None, &passkeys).await;
        own.push(meter.millis_each(done.count()));
        database.push(databases.millis_each(done.count()));
        p50.push(quantile(&done.times, 0.5));
        p99.push(quantile(&done.times, 0.99));
    }
    warm.truncate(100);
    let known = browsers(&node.target, &warm).await;
    let meter = node.meter();
    let account = views(&node.target, 4, 1_000, "/account", &known).await;
    let account_cpu = meter.millis_each(account.count());
    let busy: Vec<_> = (0..size.div_ceil(BUSY).min(10)).map(|number| passkey(number * BUSY, templates)).collect();
    let pages = older_pages(&node.target, &browsers(&node.target, &busy).await).await;
    let meter = node.meter();
    let older = visit("older activity", &node.target, 4, 1_000, pages).await;
    let older_cpu = meter.millis_each(older.count());
    Row {
        what: format!("{size} accounts"),
        columns: vec![
            ("sign-in CPU ms", median(own)),
            ("database CPU ms", median(database)),
            ("p50 ms", median(p50)),
            ("p99 ms", median(p99)),
            ("/account CPU ms", account_cpu),
            ("/account p50 ms", quantile(&account.times, 0.5)),
            ("older activity CPU ms", older_cpu),
            ("older activity p50 ms", quantile(&older.times, 0.5)),
        ],
    }
}

/// Sign-ins at a pace, first with nothing to clear away, then while many sessions have just ended.
async fn sweep(program: &Path, backends: &Backends, folder: &Path, size: u32, templates: &[Template]) -> Vec<Row> {
    let passkeys = Arc::new((0..2_000).map(|number| passkey(number * 31 % size, templates)).collect::<Vec<_>>());
    let row = |what: &str, run: &Run| Row { what: what.to_owned(), columns: run.columns() };
    let quiet = {
        let node = Node::start(program, backends, folder).await;
        sign_ins(&node.target, 32, 2_000, Some(100), &passkeys).await
    };
    end_sessions(&backends.database(folder), ENDED.min(size)).await;
    // A program that starts clears away at once.
    let node = Node::start(program, backends, folder).await;
    let busy = sign_ins(&node.target, 32, 2_000, Some(100), &passkeys).await;
    let left = ended_sessions(&backends.database(folder)).await;
    let mut busy = row("sign-ins at 100 a second, while sessions end", &busy);
    let mut quiet = row("sign-ins at 100 a second", &quiet);
    quiet.columns.push(("ended sessions left", 0.0));
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    busy.columns.push(("ended sessions left", left as f64));
    vec![quiet, busy]
}

async fn end_sessions(url: &str, count: u32) {
    let text = "update sessions set ends_at = 1 where id in (select id from sessions order by id limit $1)";
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::query(text).bind(i64::from(count)).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query(text).bind(i64::from(count)).execute(&mut connection).await.unwrap();
    }
}

async fn ended_sessions(url: &str) -> i64 {
    let text = "select count(*) from sessions where ends_at = 1";
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::query_scalar(text).fetch_one(&mut connection).await.unwrap()
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(text).fetch_one(&mut connection).await.unwrap()
    }
}

/// How long a start takes that brings the first schema, with so many accounts, up to date.
async fn migrations(program: &Path, size: u32, report: &mut Report) {
    let mut rows = Vec::new();
    for backends in [Backends::Embedded, Backends::servers()] {
        // Real records come from a program on another database.
        let templates = {
            let (folder, backends) = (scratch(), Backends::Embedded);
            first_accounts(program, &backends, folder.path()).await
        };
        let folder = scratch();
        let url = backends.database(folder.path());
        first_schema(&url).await;
        fill(&url, 0, size, &templates, Tables::First).await;
        let node = Node::start(program, &backends, folder.path()).await;
        rows.push(Row {
            what: format!("{}, from the first schema, {size} accounts", backends.name()),
            columns: vec![("start ms", millis(node.started_in))],
        });
    }
    report.table("migrations", rows);
}

/// Makes the tables of the first schema, as the program of that time did.
async fn first_schema(url: &str) {
    macro_rules! first {
        ($pool:expr, $all:expr) => {{
            let mut all = $all;
            all.migrations.to_mut().truncate(1);
            all.run(&$pool).await.unwrap();
            $pool.close().await;
        }};
    }
    if url.starts_with("sqlite:") {
        let pool = sqlx::SqlitePool::connect(&format!("{url}?mode=rwc")).await.unwrap();
        first!(pool, sqlx::migrate!("migrations/sqlite"));
    } else {
        let pool = sqlx::PgPool::connect(url).await.unwrap();
        first!(pool, sqlx::migrate!("migrations/postgres"));
    }
}
