//! The queries and rows of both databases: compiled once for each, with `super::Database` as the one that is meant.

mod account_unit;
mod accounts;
mod admission;
mod letter_unit;
mod letters;
mod operation;
mod rows;
mod transfer;
mod unit;
pub mod warm;

use super::{Admitter, Database, Turn};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::session::MOST_SESSIONS;
use crate::server::model::user::email_key;
use crate::server::model::{CredentialId, Levels, Passkey, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{Store, Unit, told};
use crate::types::{Identifier, Username};
use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Pool, query, query_as, query_scalar};
use std::time::Duration;
use unit::Transaction;
use warm::Warm;

/// Where reads and where writes go; the same pool where a database has many writers.
pub struct Pools {
    pub read: Pool<Database>,
    pub write: Pool<Database>,
    /// Of those that read, for what is read all the time.
    pub warm: Warm,
    pub admitter: Admitter,
}

/// A connection that may write, alone where a database has one writer.
pub struct Writer {
    pub connection: PoolConnection<Database>,
    _turn: Turn,
}

impl Pools {
    /// For one statement; several are a unit of work ([`Store::begin`]).
    async fn writer(&self) -> Result<Writer, Unavailable> {
        let turn = self.admitter.turn().await.map_err(unavailable)?;
        let connection = self.write.acquire().await.map_err(unavailable)?;
        Ok(Writer { connection, _turn: turn })
    }
}

/// The store on one database.
pub struct Relational {
    pools: Pools,
    /// Whether the database was empty when this process opened it.
    is_new: bool,
}

impl Relational {
    pub fn new(pools: Pools) -> Self {
        Self { pools, is_new: false }
    }

    /// The same, of a database that was empty or not.
    pub fn opened(self, is_new: bool) -> Self {
        Self { is_new, ..self }
    }

    /// Runs one statement that writes; gives how many rows it touched.
    async fn run(&self, statement: Statement<'_>) -> Result<u64, Unavailable> {
        let done = statement.execute(&mut *self.pools.writer().await?.connection).await.map_err(unavailable)?;
        Ok(done.rows_affected())
    }
}

type Statement<'q> = Query<'q, Database, <Database as sqlx::Database>::Arguments>;

/// All passkeys of an account, the oldest first.
const PASSKEYS_OF_USER: &str = "select credential_id, user_id, rp_id, name, record, record_version, aaguid, transports, backup_eligible, \
            backed_up, sign_count, created_at as passkey_created_at, last_used_at, last_used_browser, \
            last_used_system, added_with, suspended_at \
     from passkeys where user_id = $1 order by created_at, credential_id";

const COUNT_RECOVERY_CODES: &str = "select count(*) from recovery_codes where user_id = $1";

/// Every failure of the driver is an outage; conflicts never come this way, since statements say `on conflict`.
pub fn unavailable(cause: sqlx::Error) -> Unavailable {
    super::doubt(&cause);
    match cause {
        cause @ sqlx::Error::Database(_) => Unavailable::new("database", told(&cause)),
        cause => Unavailable::new("database", cause),
    }
}

#[async_trait]
impl Store for Relational {
    fn is_new(&self) -> bool {
        self.is_new
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        query("select 1").execute(&self.pools.read).await.map_err(unavailable)?;
        Ok(())
    }

    async fn username_is_taken(&self, username: &Username) -> Result<bool, Unavailable> {
        query_scalar::<_, i64>("select count(*) from users where username_key = $1")
            .bind(username.key())
            .fetch_one(&self.pools.read)
            .await
            .map(|count| count > 0)
            .map_err(unavailable)
    }

    async fn username_is_held(&self, names: &[KeyedHash], now: Timestamp) -> Result<bool, Unavailable> {
        for name in names {
            let count =
                query_scalar::<_, i64>("select count(*) from held_usernames where name_hash = $1 and held_until > $2")
                    .bind(&name[..])
                    .bind(now.unix_millis())
                    .fetch_one(&self.pools.read)
                    .await
                    .map_err(unavailable)?;
            if count > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn passkey(&self, id: &CredentialId) -> Result<Option<(Passkey, User)>, Unavailable> {
        const TEXT: &str = concat!(
            "select p.user_id, p.rp_id, p.name, p.record, p.record_version, p.aaguid, p.transports, \
                        p.backup_eligible, p.backed_up, p.sign_count, p.created_at as passkey_created_at, \
                        p.last_used_at, p.last_used_browser, p.last_used_system, p.added_with, p.suspended_at, ",
            user_columns!(),
            " from passkeys p join users u on u.id = p.user_id where p.credential_id = $1 and u.deleted_at is null"
        );
        let row = self.pools.warm.look_up(|| query(TEXT).bind(id.as_bytes())).await.map_err(unavailable)?;
        row.map(|row| Ok((rows::passkey(id.clone(), &row)?, rows::user(&row)?))).transpose()
    }

    async fn session(&self, token: &TokenHash) -> Result<Option<(Session, User)>, Unavailable> {
        const TEXT: &str = concat!(
            "select s.id, s.user_id, s.method, s.credential_id, s.user_verified, s.authenticated_at, \
                        s.created_at as session_created_at, s.last_seen_at, s.ends_at, s.idle_millis, s.browser, \
                        s.system, s.offers_passkey, s.added_passkey, s.kept, ",
            user_columns!(),
            " from sessions s join users u on u.id = s.user_id where s.token_hash = $1 and u.deleted_at is null"
        );
        let row = self.pools.warm.look_up(|| query(TEXT).bind(&token.0[..])).await.map_err(unavailable)?;
        row.map(|row| Ok((rows::session(*token, &row)?, rows::user(&row)?))).transpose()
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Unavailable> {
        let found = query(
            "select id, user_id, token_hash, method, credential_id, user_verified, authenticated_at, \
                    created_at as session_created_at, last_seen_at, ends_at, idle_millis, browser, system, \
                    offers_passkey, added_passkey, kept \
             from sessions where user_id = $1 order by last_seen_at desc, id limit $2",
        )
        .bind(user.0)
        .bind(i64::from(MOST_SESSIONS))
        .fetch_all(&self.pools.read)
        .await
        .map_err(unavailable)?;
        found.iter().map(rows::session_with_hash).collect()
    }

    async fn remove_expired_session(&self, id: SessionId) -> Result<(), Unavailable> {
        self.run(query("delete from sessions where id = $1").bind(id.0)).await.map(drop)
    }

    async fn mark_session_seen(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable> {
        let text = "update sessions set last_seen_at = $2 where id = $1 and last_seen_at < $2";
        self.run(query(text).bind(id.0).bind(at.unix_millis())).await.map(drop)
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, Unavailable> {
        let row =
            query(select_user!("u.id = $1")).bind(id.0).fetch_optional(&self.pools.read).await.map_err(unavailable)?;
        row.map(|row| rows::user(&row)).transpose()
    }

    async fn user_with_proven_address(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable> {
        let (text, key) = match identifier {
            Identifier::Username(name) => (select_user!("u.username_key = $1 and u.email_verified"), Some(name.key())),
            Identifier::Address(address) => (select_user!("u.email_key = $1 and u.email_verified"), email_key(address)),
        };
        let row = query(text).bind(key).fetch_optional(&self.pools.read).await.map_err(unavailable)?;
        row.map(|row| rows::user(&row)).transpose()
    }

    async fn passkeys(&self, user: UserId) -> Result<Vec<Passkey>, Unavailable> {
        let found = query(PASSKEYS_OF_USER).bind(user.0).fetch_all(&self.pools.read).await.map_err(unavailable)?;
        found.iter().map(rows::passkey_with_id).collect()
    }

    async fn count_without_way_in(&self, rp_id: &str, letters: bool) -> Result<u64, Unavailable> {
        let count = query_scalar::<_, i64>(
            "select count(*) from users u where u.deleted_at is null and not (u.email_verified and $2) \
             and not exists (select 1 from passkeys p where p.user_id = u.id and p.rp_id = $1 and p.suspended_at is null)",
        )
        .bind(rp_id)
        .bind(letters)
        .fetch_one(&self.pools.read)
        .await
        .map_err(unavailable)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn remove_ended_sessions(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text =
            "delete from sessions where id in (select id from sessions where ends_at <= $1 order by ends_at limit $2)";
        self.run(query(text).bind(now.unix_millis()).bind(i64::from(limit))).await
    }

    async fn schema_version(&self) -> Result<Option<i64>, Unavailable> {
        if query_scalar::<_, i64>(Pools::COUNT_LEDGERS).fetch_one(&self.pools.read).await.map_err(unavailable)? == 0 {
            return Ok(None);
        }
        query_scalar("select max(version) from _sqlx_migrations where success")
            .fetch_one(&self.pools.read)
            .await
            .map_err(unavailable)
    }

    async fn schema_versions(&self) -> Result<Vec<i64>, Unavailable> {
        if self.schema_version().await?.is_none() {
            return Ok(Vec::new());
        }
        query_scalar("select version from _sqlx_migrations where success order by version")
            .fetch_all(&self.pools.read)
            .await
            .map_err(unavailable)
    }

    async fn database_clock(&self) -> Result<Option<Timestamp>, Unavailable> {
        let Some(text) = Pools::CLOCK else { return Ok(None) };
        let now: i64 = query_scalar(text).fetch_one(&self.pools.read).await.map_err(unavailable)?;
        Ok(Some(Timestamp::from_unix_millis(now)))
    }

    async fn levels(&self, now: Timestamp) -> Result<Levels, Unavailable> {
        // Before the question, whose own connection is none that was at work.
        let pools = if Pools::ARE_ONE { vec![&self.pools.write] } else { vec![&self.pools.read, &self.pools.write] };
        let resting = self.pools.warm.resting() + self.pools.admitter.resting();
        let idle = pools.iter().map(|pool| pool.num_idle()).sum::<usize>() + resting;
        let all: u32 = pools.iter().map(|pool| pool.size()).sum();
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        let (waiting, oldest): (i64, Option<i64>) =
            query_as("select count(*), min(due_at) from letters where handed_over_at is null")
                .fetch_one(&self.pools.read)
                .await
                .map_err(unavailable)?;
        Ok(Levels {
            connections_idle: idle,
            connections_used: all.saturating_sub(idle),
            outbox: u64::try_from(waiting).unwrap_or_default(),
            outbox_oldest: oldest.map_or(Duration::ZERO, |due_at| now.since(Timestamp::from_unix_millis(due_at))),
        })
    }

    async fn close(&self) {
        self.pools.admitter.close().await;
        self.pools.warm.close();
        self.pools.read.close().await;
        self.pools.write.close().await;
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, Unavailable> {
        let turn = self.pools.admitter.turn().await.map_err(unavailable)?;
        // In a task of its own: a request that is given up while the transaction begins must not leave it open on a
        // connection that others use. A transaction that nobody waits for any more is rolled back by being dropped.
        let pool = self.pools.write.clone();
        let beginning = tokio::spawn(async move { Ok(Transaction::new(pool.begin_with(Pools::BEGIN).await?, turn)) });
        let begun = beginning.await.map_err(|cause| Unavailable::new("database", cause))?;
        Ok(Box::new(begun.map_err(unavailable)?))
    }
}
