//! Measures whether sign-in slows down as the number of accounts grows, and while expired sessions are removed.

use crate::authenticator::SoftPasskey;
use crate::node::{Backends, Meter, Node, scratch};
use crate::population::{BUSY, Tables, Template, fill, passkey, templates};
use crate::report::{Report, Row, median, millis, quantile};
use crate::workload::{Amount, Run, accounts, browsers, older_pages, sign_ins, views, visit};
use sqlx::Connection;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Sign-ins per run, by different accounts if there are enough.
const SIGN_INS: u32 = 2_000;
/// Runs per size; their median is reported.
const RUNS: u32 = 5;
/// Page views per run.
const VIEWS: usize = 500;
/// Sessions that expire while other users sign in.
const EXPIRED: u32 = 100_000;

pub async fn measure(program: &Path, mut sizes: Vec<u32>, report: &mut Report) {
    sizes.sort_unstable();
    for kind in [|| Backends::Embedded, Backends::servers] {
        let mut instances = Vec::new();
        for &size in &sizes {
            instances.push(Instance::start(program, kind(), size).await);
        }
        let rows = side_by_side(&instances).await;
        let Some(largest) = instances.pop() else { return };
        drop(instances);
        let name = largest.backends.name();
        report.table(&format!("growth, {name}"), rows);
        report.table(&format!("cleanup, {name}"), sweep(program, largest).await);
    }
    migrations(program, sizes.last().copied().unwrap_or_default(), report).await;
}

/// A program with `size` accounts, on its own database.
struct Instance {
    node: Node,
    backends: Backends,
    folder: TempDir,
    templates: Vec<Template>,
    size: u32,
}

impl Instance {
    async fn start(program: &Path, backends: Backends, size: u32) -> Self {
        let folder = scratch();
        let templates = create_templates(program, &backends, folder.path()).await;
        fill(&backends.database(folder.path()), size, &templates, Tables::All).await;
        let node = Node::start(program, &backends, folder.path()).await;
        Self { node, backends, folder, templates, size }
    }

    /// The passkeys of a run: spread over all accounts, with different ones in each run.
    fn passkeys(&self, run: u32) -> Vec<SoftPasskey> {
        let number = |turn: u32| (u64::from(run * SIGN_INS + turn) * 7_919) % u64::from(self.size);
        (0..SIGN_INS).map(|turn| passkey(u32::try_from(number(turn)).unwrap(), &self.templates)).collect()
    }

    /// Measures the database's own processes, if it has any.
    fn database_meter(&self) -> Meter {
        Meter::start(match &self.backends {
            Backends::Embedded => Vec::new(),
            Backends::Servers { postgres, .. } => postgres.pids(),
        })
    }
}

async fn create_templates(program: &Path, backends: &Backends, folder: &Path) -> Vec<Template> {
    let node = Node::start(program, backends, folder).await;
    let (_, passkeys) = accounts(&node.target, 4, 64).await;
    templates(&backends.database(folder), passkeys).await
}

/// Processor times and latencies of one kind of request, one value per run.
#[derive(Default)]
struct Timings {
    own: Vec<f64>,
    database: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Timings {
    async fn measure(&mut self, instance: &Instance, run: impl Future<Output = Run>) {
        let (own, database) = (instance.node.meter(), instance.database_meter());
        let done = run.await;
        self.own.push(own.millis_each(done.count()));
        self.database.push(database.millis_each(done.count()));
        self.p50.push(quantile(&done.times, 0.5));
        self.p99.push(quantile(&done.times, 0.99));
    }
}

/// Measures every size in turn, repeatedly: the machine's speed varies over time, so only interleaved runs compare.
async fn side_by_side(instances: &[Instance]) -> Vec<Row> {
    let mut visits = Vec::new();
    for instance in instances {
        let warm: Vec<_> = instance.passkeys(0).into_iter().take(200).collect();
        sign_ins(&instance.node.target, Amount::new(4, 200), &Arc::new(warm.clone())).await;
        let known = browsers(&instance.node.target, &warm[..100]).await;
        let busy: Vec<_> = (0..instance.size.div_ceil(BUSY).min(10))
            .map(|number| passkey(number * BUSY, &instance.templates))
            .collect();
        let older = older_pages(&instance.node.target, &browsers(&instance.node.target, &busy).await).await;
        visits.push((known, older));
    }
    let mut timings: Vec<_> = instances.iter().map(|_| <[Timings; 3]>::default()).collect();
    for run in 0..RUNS {
        for ((instance, (known, older)), [signing_in, account, activity]) in
            instances.iter().zip(&visits).zip(&mut timings)
        {
            let (target, passkeys) = (&instance.node.target, Arc::new(instance.passkeys(run)));
            signing_in.measure(instance, sign_ins(target, Amount::new(4, SIGN_INS as usize), &passkeys)).await;
            account.measure(instance, views(target, Amount::new(4, VIEWS), "/account", known)).await;
            activity.measure(instance, visit("older activity", target, Amount::new(4, VIEWS), older.clone())).await;
        }
    }
    let first = timings.first().map_or(f64::NAN, |[signing_in, ..]| median(signing_in.own.clone()));
    instances.iter().zip(timings).map(|(instance, timings)| row(instance.size, first, timings)).collect()
}

fn row(size: u32, first: f64, [signing_in, account, activity]: [Timings; 3]) -> Row {
    let own = median(signing_in.own);
    Row {
        what: format!("{size} accounts"),
        columns: vec![
            ("sign-in CPU ms", own),
            ("times the first", own / first),
            ("database CPU ms", median(signing_in.database)),
            ("p50 ms", median(signing_in.p50)),
            ("p99 ms", median(signing_in.p99)),
            ("/account CPU ms", median(account.own)),
            ("/account p50 ms", median(account.p50)),
            ("older activity CPU ms", median(activity.own)),
            ("older activity p50 ms", median(activity.p50)),
        ],
    }
}

/// Sign-ins at a fixed rate, first with nothing to remove, then while many sessions have just expired.
async fn sweep(program: &Path, instance: Instance) -> Vec<Row> {
    let Instance { node, backends, folder, templates, size } = instance;
    let (folder, database) = (folder.path(), backends.database(folder.path()));
    let passkeys = Arc::new((0..2_000).map(|number| passkey(number * 31 % size, &templates)).collect::<Vec<_>>());
    let row = |what: &str, run: &Run| Row { what: what.to_owned(), columns: run.columns() };
    drop(node);
    let quiet = {
        let node = Node::start(program, &backends, folder).await;
        sign_ins(&node.target, Amount { per_second: Some(100), ..Amount::new(32, 2_000) }, &passkeys).await
    };
    expire_sessions(&database, EXPIRED.min(size)).await;
    // The program removes expired rows right after its start.
    let node = Node::start(program, &backends, folder).await;
    let busy = sign_ins(&node.target, Amount { per_second: Some(100), ..Amount::new(32, 2_000) }, &passkeys).await;
    let left = expired_sessions(&database).await;
    let mut busy = row("sign-ins at 100 a second, while expired sessions are removed", &busy);
    let mut quiet = row("sign-ins at 100 a second", &quiet);
    quiet.columns.push(("expired sessions left", 0.0));
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    busy.columns.push(("expired sessions left", left as f64));
    vec![quiet, busy]
}

async fn expire_sessions(url: &str, count: u32) {
    let text = "update sessions set ends_at = 1 where id in (select id from sessions order by token_hash limit $1)";
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::query(text).bind(i64::from(count)).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query(text).bind(i64::from(count)).execute(&mut connection).await.unwrap();
    }
}

async fn expired_sessions(url: &str) -> i64 {
    let text = "select count(*) from sessions where ends_at = 1";
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::query_scalar(text).fetch_one(&mut connection).await.unwrap()
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(text).fetch_one(&mut connection).await.unwrap()
    }
}

/// Measures a start that migrates the first schema with `size` accounts.
async fn migrations(program: &Path, size: u32, report: &mut Report) {
    let mut rows = Vec::new();
    for backends in [Backends::Embedded, Backends::servers()] {
        // Another instance creates the template records, since this database still has the first schema.
        let templates = {
            let (folder, backends) = (scratch(), Backends::Embedded);
            create_templates(program, &backends, folder.path()).await
        };
        let folder = scratch();
        let url = backends.database(folder.path());
        first_schema(&url).await;
        fill(&url, size, &templates, Tables::First).await;
        let node = Node::start(program, &backends, folder.path()).await;
        rows.push(Row {
            what: format!("{}, from the first schema, {size} accounts", backends.name()),
            columns: vec![("start ms", millis(node.started_in))],
        });
    }
    report.table("migrations", rows);
}

/// Creates the tables of the first schema, as the first version did.
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
