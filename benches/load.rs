//! Everyday load, on both sets of backends or against any address.

use crate::Load;
use crate::authenticator::SoftPasskey;
use crate::client::{Client, Target};
use crate::node::{Backends, Meter, Node, WiredNode, scratch};
use crate::report::{Report, Row, median};
use crate::workload::{Amount, Run, accounts, browsers, sign_ins, sign_up, views};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Number of accounts that sign in.
const ACCOUNTS: usize = 1_000;
/// Sign-ins per second when latency under load is measured.
const PACE: u32 = 200;
/// Sign-ins before memory is measured, and the number of connections.
const MANY: (usize, usize) = (10_000, 64);

/// Loads a server that is already running; its processor time is unknown.
pub async fn load_running_server(url: &str, load: &Load, report: &mut Report) {
    let target = Target::from_url(url);
    let (made, passkeys) = accounts(&target, load.connections, ACCOUNTS.min(load.sign_ins)).await;
    let passkeys = Arc::new(passkeys);
    let mut rows = vec![row("sign-up", &made, None)];
    for _ in 0..load.runs {
        let run = sign_ins(&target, Amount::new(load.connections, load.sign_ins), &passkeys).await;
        rows.push(row("sign-in", &run, None));
    }
    let known = browsers(&target, &passkeys[..passkeys.len().min(50)]).await;
    for path in ["/api/session", "/account"] {
        rows.push(row(path, &views(&target, Amount::new(load.connections, load.sign_ins), path, &known).await, None));
    }
    report.table(&format!("load at {url}"), rows);
}

pub async fn load_both_backends(program: &Path, load: &Load, report: &mut Report) {
    let servers = Backends::servers();
    for backends in [&Backends::Embedded, &servers] {
        load_backends(program, backends, load, report).await;
    }
    if let Backends::Servers { postgres, redis } = &servers {
        trips(program, postgres.port, redis.port, report).await;
    }
}

async fn load_backends(program: &Path, backends: &Backends, load: &Load, report: &mut Report) {
    let folder = scratch();
    let node = Node::start(program, backends, folder.path()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = node.memory();
    let target = &node.target;
    let mut rows = Vec::new();

    let meter = node.meter();
    let (made, passkeys) = accounts(target, load.connections, ACCOUNTS).await;
    rows.push(row("sign-up", &made, Some(&meter)));
    let passkeys = Arc::new(passkeys);

    let mut runs = Vec::new();
    for _ in 0..load.runs {
        let meter = node.meter();
        let run = sign_ins(target, Amount::new(load.connections, load.sign_ins), &passkeys).await;
        runs.push(row("sign-in", &run, Some(&meter)));
    }
    rows.push(middle(&runs));

    let meter = node.meter();
    let paced =
        sign_ins(target, Amount { per_second: Some(PACE), ..Amount::new(64, PACE as usize * 15) }, &passkeys).await;
    rows.push(row(&format!("sign-in, {PACE} a second"), &paced, Some(&meter)));
    let meter = node.meter();
    let many = sign_ins(target, Amount::new(MANY.1, MANY.0), &passkeys).await;
    rows.push(row(&format!("sign-in, {} connections", MANY.1), &many, Some(&meter)));
    let after = node.memory();

    let (known, unknown) = (browsers(target, &passkeys[..50]).await, vec![Vec::new()]);
    for (path, who) in [("/api/session", &known), ("/", &unknown), ("/sign-in", &unknown), ("/account", &known)] {
        let meter = node.meter();
        let run = views(target, Amount::new(load.connections, load.sign_ins), path, who).await;
        rows.push(row(path, &run, Some(&meter)));
    }
    report.table(&format!("load, {}", backends.name()), rows);
    let columns = vec![("idle", idle), ("after all sign-ins", after), ("peak", node.peak_memory())];
    report.table(&format!("memory, {}", backends.name()), vec![Row { what: "MiB".to_owned(), columns }]);
}

fn row(what: &str, run: &Run, meter: Option<&Meter>) -> Row {
    let each = meter.map_or(f64::NAN, |meter| meter.millis_each(run.count()));
    let columns = run.columns().into_iter().chain([("server CPU ms", each)]).collect();
    Row { what: format!("{what} ({})", run.count()), columns }
}

/// The median of each column.
fn middle(rows: &[Row]) -> Row {
    let column =
        |place: usize| (rows[0].columns[place].0, median(rows.iter().map(|row| row.columns[place].1).collect()));
    let columns = (0..rows[0].columns.len()).map(column).collect();
    Row { what: format!("{}, median of {}", rows[0].what, rows.len()), columns }
}

/// Counts the round trips of each user action; the minimum of several runs.
async fn trips(program: &Path, postgres: u16, redis: u16, report: &mut Report) {
    let WiredNode { node, sql, cache, .. } = &WiredNode::start(program, (postgres, redis)).await;
    let mut client = Client::new(&node.target);
    let mut seen: Vec<(&str, Vec<(usize, usize)>)> = Vec::new();
    for turn in 0..8 {
        let mut note = |what: &'static str| {
            let counts = (cache.take(), sql.take());
            match seen.iter_mut().find(|(known, _)| *known == what) {
                // Statements are prepared at their first use.
                Some((_, all)) => all.push(counts),
                None => seen.push((what, Vec::new())),
            }
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        note("between");
        let passkey: SoftPasskey = sign_up(&mut client).await;
        note("sign-up");
        client.become_new(1_000_000 + turn);
        tokio::time::sleep(Duration::from_millis(50)).await;
        note("between");
        let options = client.post("/api/sign-in/start", &json!({})).await.json();
        note("sign-in: start");
        let credential = passkey.assertion(&options["publicKey"], &client.target.origin).json();
        let answer = client.post("/api/sign-in/finish", &json!({ "credential": credential })).await;
        assert_eq!(answer.status, 200);
        note("sign-in: finish");
        tokio::time::sleep(Duration::from_millis(50)).await;
        note("between");
        for path in ["/api/session", "/account", "/sign-in", "/"] {
            client.get(path).await;
            note(path);
        }
    }
    let least = |all: &[(usize, usize)]| {
        let (cache, sql) = all.iter().min_by_key(|(cache, sql)| cache + sql).copied().unwrap_or_default();
        let number = |count| f64::from(u32::try_from(count).unwrap());
        vec![("Redis", number(cache)), ("SQL", number(sql))]
    };
    let rows = seen.iter().filter(|(what, _)| *what != "between");
    let rows = rows.map(|(what, all)| Row { what: (*what).to_owned(), columns: least(all) }).collect();
    report.table("round trips", rows);
}
