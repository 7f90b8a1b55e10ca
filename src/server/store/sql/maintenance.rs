use super::super::dialect::Dialect;
use super::row::{get, maybe_time};
use super::{
    SqlStore, browser, consent, email_queue, email_request, event, grant, logout, notification, number, passkey,
    recovery, session,
};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Levels, UserId};
use crate::server::store::{Maintenance, Wakes};
use async_trait::async_trait;
use sqlx::query;
use std::time::Duration;

/// How many rows one statement removes after a restore.
const BATCH: u64 = 1_000;

#[async_trait]
impl Maintenance for SqlStore {
    fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    fn is_new(&self) -> bool {
        self.is_new
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.all(query("select 1")).await.map(drop)
    }

    async fn schema_version(&self) -> Result<Option<i64>, Unavailable> {
        Ok(self.schema_versions().await?.into_iter().max())
    }

    async fn schema_versions(&self) -> Result<Vec<i64>, Unavailable> {
        if self.count(query(Dialect::COUNT_MIGRATION_TABLES)).await? == 0 {
            return Ok(Vec::new());
        }
        let found = self.all(query("select version from _sqlx_migrations where success order by version")).await?;
        found.iter().map(|row| get(row, "version")).collect()
    }

    async fn database_clock(&self) -> Result<Option<Timestamp>, Unavailable> {
        let Some(text) = Dialect::CLOCK else { return Ok(None) };
        let row = self.one(query(text)).await?;
        let millis = row.map(|row| number(&row)).transpose()?;
        Ok(millis.map(|millis| Timestamp::from_unix_millis(i64::try_from(millis).unwrap_or(i64::MAX))))
    }

    async fn levels(&self, now: Timestamp) -> Result<Levels, Unavailable> {
        // Read before the query below, whose own connection must not count as used.
        let pools = &self.pools;
        let all_pools = if Dialect::HAS_ONE_POOL { vec![&pools.write] } else { vec![&pools.read, &pools.write] };
        let idle_connections = pools.cache.idle_connections() + pools.atomic.idle_connections();
        let idle = all_pools.iter().map(|pool| pool.num_idle()).sum::<usize>() + idle_connections;
        let all: u32 = all_pools.iter().map(|pool| pool.size()).sum();
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        let text = "select count(*), min(due_at) as oldest from outbox \
                    where handed_over_at is null and kind <> 'logout'";
        let row = self.one(query(text)).await?;
        let (waiting, oldest) = match &row {
            Some(row) => (number(row)?, maybe_time(row, "oldest")?),
            None => (0, None),
        };
        Ok(Levels {
            connections_idle: idle,
            connections_used: all.saturating_sub(idle),
            queued_emails: waiting,
            oldest_overdue: oldest.map_or(Duration::ZERO, |due_at| now.since(due_at)),
        })
    }

    async fn revoke_all_access(&self, now: Timestamp) -> Result<u64, Unavailable> {
        let sessions = self.empty("delete from sessions where id in (select id from sessions limit $1)").await?;
        self.empty("delete from letter_requests where id in (select id from letter_requests limit $1)").await?;
        self.empty("delete from outbox where id in (select id from outbox limit $1)").await?;
        // Grants that outlive sessions.
        self.empty("delete from grants where id in (select id from grants limit $1)").await?;
        let undo = "update security_letters set undone_at = $1 where can_undo and undone_at is null";
        self.run(query(undo).bind(now.unix_millis())).await?;
        Ok(sessions)
    }

    async fn remove_signing_keys(&self) -> Result<(), Unavailable> {
        self.run(query("delete from signing_keys")).await.map(drop)
    }

    async fn remove_rows_of_deleted(&self, user: UserId, limit: u32) -> Result<bool, Unavailable> {
        let mut removed = 0;
        for text in [
            email_queue::REMOVE_OF_USER,
            grant::REMOVE_OF_USER,
            logout::REMOVE_RESULTS_OF_USER,
            consent::REMOVE_OF_USER,
            session::REMOVE_OF_USER,
            browser::REMOVE_OF_USER,
            recovery::REMOVE_OF_USER,
            email_request::REMOVE_OF_USER,
            notification::REMOVE_OF_USER,
            passkey::REMOVE_OF_USER,
            event::REMOVE_OF_USER,
        ] {
            removed += self.run(query(text).bind(user.0).bind(i64::from(limit))).await?;
        }
        if removed > 0 {
            return Ok(true);
        }
        self.run(query("delete from users where id = $1 and deleted_at is not null").bind(user.0)).await?;
        Ok(false)
    }

    async fn close(&self) {
        self.pools.atomic.close().await;
        self.pools.cache.close();
        self.pools.read.close().await;
        self.pools.write.close().await;
    }
}

impl SqlStore {
    /// Removes all rows of a table in batches; returns how many.
    async fn empty(&self, text: &'static str) -> Result<u64, Unavailable> {
        let mut all = 0;
        loop {
            let removed = self.run(query(text).bind(i64::try_from(BATCH).unwrap_or(i64::MAX))).await?;
            all += removed;
            if removed < BATCH {
                return Ok(all);
            }
        }
    }
}
