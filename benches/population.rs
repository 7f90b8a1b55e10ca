//! Fills a database with accounts. Each has three passkeys, two sessions, five activity entries (some have several
//! pages) and a known browser. All data derives from the account's number, so that any account can sign in. Row ids are
//! random, as they were before new ids began with the time.

use crate::authenticator::SoftPasskey;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Postgres, QueryBuilder, Row, Sqlite};
use std::str::FromStr;
use uuid::Uuid;

/// Accounts written per transaction.
const CHUNK: u32 = 1_000;
const PASSKEYS: u32 = 3;
const SESSIONS: u32 = 2;
const EVENTS: u32 = 5;
/// One account in `BUSY` has `MANY_EVENTS` activity entries instead.
pub const BUSY: u32 = 100;
const MANY_EVENTS: u32 = 150;
/// The time of sign-up, and the length of a day, in milliseconds.
const THEN: i64 = 1_790_000_000_000;
const DAY: i64 = 86_400_000;

/// A passkey whose key many accounts share; only the ids differ.
pub struct Template {
    passkey: SoftPasskey,
    record: String,
    /// The credential id, as encoded in the record.
    id: String,
}

/// The tables to fill.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// Those of the first schema: accounts, passkeys and sessions.
    First,
    All,
}

fn digest(kind: &str, number: u32, place: u32) -> [u8; 32] {
    Sha256::digest(format!("{kind} {place} of {number}")).into()
}

fn id(kind: &str, number: u32, place: u32) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest(kind, number, place)[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn events_of(number: u32) -> u32 {
    if number.is_multiple_of(BUSY) { MANY_EVENTS } else { EVENTS }
}

impl Template {
    pub fn new(passkey: SoftPasskey, record: String) -> Self {
        let parsed: Value = serde_json::from_str(&record).unwrap();
        let id = parsed["cred"]["cred_id"].as_str().unwrap().to_owned();
        Self { passkey, record, id }
    }

    fn record_of(&self, credential_id: &[u8]) -> String {
        self.record.replace(&self.id, &crate::authenticator::encode(credential_id))
    }
}

/// The passkey that an account signs in with.
pub fn passkey(number: u32, templates: &[Template]) -> SoftPasskey {
    let mut passkey = templates[number as usize % templates.len()].passkey.clone();
    passkey.credential_id = digest("passkey", number, 0).to_vec();
    passkey.user_handle = id("user", number, 0).as_bytes().to_vec();
    passkey
}

/// Reads the passkey records of real accounts, as templates for others.
pub async fn templates(url: &str, passkeys: Vec<SoftPasskey>) -> Vec<Template> {
    let text = "select record from passkeys where credential_id = $1";
    let mut all = Vec::new();
    for passkey in passkeys {
        let record: String = if url.starts_with("sqlite:") {
            let pool = sqlx::SqlitePool::connect(url).await.unwrap();
            sqlx::query(text).bind(&passkey.credential_id).fetch_one(&pool).await.unwrap().get(0)
        } else {
            let pool = sqlx::PgPool::connect(url).await.unwrap();
            sqlx::query(text).bind(&passkey.credential_id).fetch_one(&pool).await.unwrap().get(0)
        };
        all.push(Template::new(passkey, record));
    }
    all
}

macro_rules! insert {
    ($database:ty, $transaction:expr, $text:literal, $rows:expr, $push:expr) => {{
        let rows: Vec<_> = $rows.collect();
        // SQLite takes 32,766 values at a time.
        for rows in rows.chunks(1_000) {
            let mut insert = QueryBuilder::<$database>::new($text);
            insert.push_values(rows, $push);
            insert.build().execute(&mut *$transaction).await.unwrap();
        }
    }};
}

macro_rules! chunk {
    ($database:ty, $transaction:expr, $from:expr, $to:expr, $templates:expr, $tables:expr) => {{
        let (numbers, templates) = ($from..$to, $templates);
        insert!(
            $database,
            $transaction,
            "insert into users (id, username, username_key, display_name, email, email_key, email_verified, created_at) ",
            numbers.clone(),
            |mut row, &number| {
                let (name, address) = (format!("person{number}"), format!("person{number}@example.org"));
                row.push_bind(id("user", number, 0)).push_bind(name.clone()).push_bind(name).push_bind(format!("Person {number}"));
                row.push_bind(address.clone()).push_bind(address).push_bind(true).push_bind(THEN);
            }
        );
        insert!(
            $database,
            $transaction,
            "insert into passkeys (credential_id, user_id, rp_id, record, record_version, aaguid, transports, \
             backup_eligible, backed_up, sign_count, created_at) ",
            numbers.clone().flat_map(|number| (0..PASSKEYS).map(move |place| (number, place))),
            |mut row, &(number, place)| {
                let credential = digest("passkey", number, place);
                let template = &templates[number as usize % templates.len()];
                row.push_bind(credential.to_vec()).push_bind(id("user", number, 0)).push_bind("localhost");
                row.push_bind(template.record_of(&credential)).push_bind(1_i64).push_bind(Uuid::nil()).push_bind("internal,hybrid");
                row.push_bind(true).push_bind(true).push_bind(0_i64).push_bind(THEN + i64::from(place) * DAY);
            }
        );
        insert!(
            $database,
            $transaction,
            "insert into sessions (id, user_id, token_hash, method, credential_id, user_verified, authenticated_at, \
             created_at, last_seen_at, ends_at, idle_millis, browser, system) ",
            numbers.clone().flat_map(|number| (0..SESSIONS).map(move |place| (number, place))),
            |mut row, &(number, place)| {
                let now = THEN + 365 * DAY;
                row.push_bind(id("session", number, place)).push_bind(id("user", number, 0));
                row.push_bind(digest("token", number, place).to_vec()).push_bind("passkey");
                row.push_bind(digest("passkey", number, place).to_vec()).push_bind(true);
                row.push_bind(THEN).push_bind(THEN).push_bind(THEN).push_bind(now + 3_650 * DAY).push_bind(3_650 * DAY);
                row.push_bind("Chrome").push_bind("Linux");
            }
        );
        if $tables == Tables::All {
            insert!(
                $database,
                $transaction,
                "insert into events (id, user_id, kind, at, browser, system, detail) ",
                numbers.clone().flat_map(|number| (0..events_of(number)).map(move |place| (number, place))),
                |mut row, &(number, place)| {
                    // Recent enough not to be removed.
                    let at = now_millis() - i64::from(place % 90 + number % 90) * DAY - i64::from(place);
                    row.push_bind(id("event", number, place)).push_bind(id("user", number, 0)).push_bind("signed_in");
                    row.push_bind(at).push_bind("Chrome").push_bind("Linux").push_bind("passkey");
                }
            );
            insert!(
                $database,
                $transaction,
                "insert into known_browsers (token_hash, user_id, expires_at) ",
                numbers.clone(),
                |mut row, &number| {
                    row.push_bind(digest("known", number, 0).to_vec()).push_bind(id("user", number, 0));
                    row.push_bind(THEN + 3_650 * DAY);
                }
            );
        }
    }};
}

fn now_millis() -> i64 {
    use latchkey::server::clock::{Clock, SystemClock};
    SystemClock.now().unix_millis()
}

macro_rules! fill {
    ($database:ty, $pool:expr, $count:expr, $templates:expr, $tables:expr) => {{
        eprintln!("accounts: {}", $count);
        let mut begin = 0;
        while begin < $count {
            let end = (begin + CHUNK).min($count);
            let mut transaction = $pool.begin().await.unwrap();
            chunk!($database, transaction, begin, end, $templates, $tables);
            transaction.commit().await.unwrap();
            begin = end;
        }
    }};
}

/// Writes `count` accounts.
pub async fn fill(url: &str, count: u32, templates: &[Template], tables: Tables) {
    if url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(url).unwrap().synchronous(SqliteSynchronous::Off);
        let options = options.pragma("cache_size", "-1000000").busy_timeout(std::time::Duration::from_mins(1));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        fill!(Sqlite, pool, count, templates, tables);
        // As in production: the planner needs statistics.
        sqlx::query("analyze").execute(&pool).await.unwrap();
        sqlx::query("pragma wal_checkpoint(truncate)").execute(&pool).await.unwrap();
        pool.close().await;
    } else {
        let pool = PgPoolOptions::new().max_connections(1).connect(url).await.unwrap();
        sqlx::query("set synchronous_commit = off").execute(&pool).await.unwrap();
        fill!(Postgres, pool, count, templates, tables);
        for text in ["vacuum analyze", "checkpoint"] {
            sqlx::query(text).execute(&pool).await.unwrap();
        }
        pool.close().await;
    }
    // The first sign-ins would wait for pending writes otherwise.
    assert!(std::process::Command::new("sync").status().unwrap().success());
}
