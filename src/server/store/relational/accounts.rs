use super::super::Database;
use super::{COUNT_RECOVERY_CODES, Relational, rows, unavailable};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::browser::MOST_BROWSERS;
use crate::server::model::notification::{Notification, SentNotification};
use crate::server::model::{Event, EventId, KnownBrowser, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{Accounts, MOST_LISTED};
use async_trait::async_trait;
use sqlx::{query, query_scalar};

#[async_trait]
impl Accounts for Relational {
    async fn events(
        &self,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, Unavailable> {
        let mut from = (i64::MAX, uuid::Uuid::max());
        if let Some(before) = before {
            let at = query_scalar::<_, i64>("select at from events where id = $1 and user_id = $2")
                .bind(before.0)
                .bind(user.0)
                .fetch_optional(&self.pools.read)
                .await
                .map_err(unavailable)?;
            let Some(at) = at else { return Ok(None) };
            from = (at, before.0);
        }
        let found = query::<Database>(
            "select id, user_id, kind, at, browser, system, detail from events \
             where user_id = $1 and (at < $2 or (at = $2 and id < $3)) order by at desc, id desc limit $4",
        )
        .bind(user.0)
        .bind(from.0)
        .bind(from.1)
        .bind(i64::from(limit))
        .fetch_all(&self.pools.read)
        .await
        .map_err(unavailable)?;
        found.iter().map(rows::event).collect::<Result<_, _>>().map(Some)
    }

    async fn count_recovery_codes(&self, user: UserId) -> Result<u32, Unavailable> {
        let count = query_scalar::<_, i64>(COUNT_RECOVERY_CODES).bind(user.0).fetch_one(&self.pools.read).await;
        count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)).map_err(unavailable)
    }

    async fn notification_by_link(&self, link: &TokenHash) -> Result<Option<SentNotification>, Unavailable> {
        let row = query("select * from security_letters where link_hash = $1")
            .bind(&link.0[..])
            .fetch_optional(&self.pools.read)
            .await
            .map_err(unavailable)?;
        row.map(|row| rows::sent_notification(&row)).transpose()
    }

    async fn security_letters(&self, user: UserId, now: Timestamp) -> Result<Vec<Notification>, Unavailable> {
        let found = query(
            "select * from security_letters where user_id = $1 and expires_at > $2 and answered_at is null \
             order by happened_at desc, id limit $3",
        )
        .bind(user.0)
        .bind(now.unix_millis())
        .bind(i64::from(MOST_LISTED))
        .fetch_all(&self.pools.read)
        .await
        .map_err(unavailable)?;
        found.iter().map(rows::security_letter).collect()
    }

    async fn known_browsers(&self, user: UserId) -> Result<Vec<KnownBrowser>, Unavailable> {
        let found = query(
            "select token_hash, user_id, expires_at, declined_until, recognised from known_browsers \
             where user_id = $1 order by expires_at desc limit $2",
        )
        .bind(user.0)
        .bind(i64::from(MOST_BROWSERS))
        .fetch_all(&self.pools.read)
        .await
        .map_err(unavailable)?;
        found.iter().map(rows::known_browser_with_hash).collect()
    }

    async fn count_passkeys_elsewhere(&self, rp_id: &str) -> Result<u64, Unavailable> {
        let count = query_scalar::<_, i64>("select count(*) from passkeys where rp_id < $1 or rp_id > $1")
            .bind(rp_id)
            .fetch_one(&self.pools.read)
            .await
            .map_err(unavailable)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn deleted_accounts(&self, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let found = query_scalar("select id from users where deleted_at is not null order by deleted_at limit $1")
            .bind(i64::from(limit))
            .fetch_all(&self.pools.read)
            .await
            .map_err(unavailable)?;
        Ok(found.into_iter().map(UserId).collect())
    }

    async fn remove_rows_of_deleted(&self, user: UserId, limit: u32) -> Result<bool, Unavailable> {
        let mut removed = 0;
        for text in [
            "delete from sessions where id in (select id from sessions where user_id = $1 limit $2)",
            "delete from known_browsers where token_hash in \
             (select token_hash from known_browsers where user_id = $1 limit $2)",
            "delete from recovery_codes where code_hash in \
             (select code_hash from recovery_codes where user_id = $1 limit $2)",
            "delete from letter_requests where id in (select id from letter_requests where user_id = $1 limit $2)",
            "delete from security_letters where id in (select id from security_letters where user_id = $1 limit $2)",
            "delete from passkeys where credential_id in \
             (select credential_id from passkeys where user_id = $1 limit $2)",
            "delete from events where id in (select id from events where user_id = $1 limit $2)",
        ] {
            let done = query(text).bind(user.0).bind(i64::from(limit));
            removed += self.run(done).await?;
        }
        if removed > 0 {
            return Ok(true);
        }
        self.run(query("delete from users where id = $1 and deleted_at is not null").bind(user.0)).await?;
        Ok(false)
    }

    async fn remove_old_activity(&self, oldest: Timestamp, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let mut most = 0;
        for (text, end) in [
            ("delete from events where id in (select id from events where at < $1 order by at limit $2)", oldest),
            (
                "delete from security_letters where id in \
                 (select id from security_letters where expires_at <= $1 order by expires_at limit $2)",
                now,
            ),
            (
                "delete from held_usernames where name_hash in \
                 (select name_hash from held_usernames where held_until <= $1 order by held_until limit $2)",
                now,
            ),
            (
                "delete from invitations where id in \
                 (select id from invitations where expires_at <= $1 order by expires_at limit $2)",
                now,
            ),
        ] {
            let removed = self.run(query(text).bind(end.unix_millis()).bind(i64::from(limit))).await?;
            most = removed.max(most);
        }
        Ok(most)
    }
}
