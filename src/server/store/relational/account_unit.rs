use super::super::Database;
use super::unit::Transaction;
use super::{PASSKEYS_OF_USER, rows, unavailable};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::browser::MOST_BROWSERS;
use crate::server::model::event::{MOST_EVENTS, TRIM_AHEAD};
use crate::server::model::notification::{Notification, NotificationId};
use crate::server::model::outbox::OutgoingEmail;
use crate::server::model::recovery::RecoveryCodeHash;
use crate::server::model::session::MOST_SESSIONS;
use crate::server::model::user::email_key;
use crate::server::model::{CredentialId, Event, Lockdown, Passkey, Session, User, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{AccountWrites, Insertion, NotificationCounts};
use crate::types::{EmailAddress, Identifier};
use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::{query, query_scalar};

type Statement<'q> = Query<'q, Database, <Database as sqlx::Database>::Arguments>;

impl Transaction {
    /// For whom these names are held.
    async fn holders(&mut self, names: &[KeyedHash], now: Timestamp) -> Result<Vec<UserId>, Unavailable> {
        const TEXT: &str = "select user_id from held_usernames where name_hash = $1 and held_until > $2";
        let mut holders = Vec::new();
        for name in names {
            let query = query_scalar(TEXT).bind(&name[..]).bind(now.unix_millis());
            let holder = query.fetch_optional(&mut *self.inner).await.map_err(unavailable)?;
            holders.extend(holder.map(UserId));
        }
        Ok(holders)
    }

    /// Runs a statement; gives how many rows it touched.
    async fn run(&mut self, statement: Statement<'_>) -> Result<u64, Unavailable> {
        Ok(statement.execute(&mut *self.inner).await.map_err(unavailable)?.rows_affected())
    }
}

#[async_trait]
impl AccountWrites for Transaction {
    async fn record(&mut self, event: &Event) -> Result<(), Unavailable> {
        let statement = query(
            "insert into events (id, user_id, kind, at, browser, system, detail) \
             select $1, id, $3, $4, $5, $6, $7 from users where id = $2 and deleted_at is null \
             on conflict (id) do nothing",
        )
        .bind(event.id.0)
        .bind(event.user_id.0)
        .bind(event.kind.name())
        .bind(event.at.unix_millis())
        .bind(event.client.browser.as_deref())
        .bind(event.client.system.as_deref())
        .bind(event.detail.as_deref());
        if self.run(statement).await? == 1 {
            self.recorded.push(event.clone());
            self.trim_events(event.user_id).await?;
        }
        Ok(())
    }

    async fn trim_events(&mut self, user: UserId) -> Result<(), Unavailable> {
        // More than one, so that an account that had too many before comes down to the cap.
        let statement = query(
            "delete from events where id in \
             (select id from events where user_id = $1 order by at desc, id desc limit 200 offset $2)",
        )
        .bind(user.0)
        .bind(i64::from(MOST_EVENTS - TRIM_AHEAD));
        self.run(statement).await.map(drop)
    }

    async fn trim(&mut self, user: UserId) -> Result<(), Unavailable> {
        for (text, most) in [
            (
                "delete from sessions where id in (select id from sessions where user_id = $1 \
                 order by last_seen_at desc, id desc limit 1000 offset $2)",
                MOST_SESSIONS,
            ),
            (
                "delete from known_browsers where token_hash in (select token_hash from known_browsers where user_id = $1 \
                 order by expires_at desc, token_hash limit 1000 offset $2)",
                MOST_BROWSERS,
            ),
        ] {
            self.run(query(text).bind(user.0).bind(i64::from(most))).await?;
        }
        Ok(())
    }

    async fn passkeys_of(&mut self, user: UserId) -> Result<Vec<Passkey>, Unavailable> {
        let found = query(PASSKEYS_OF_USER).bind(user.0).fetch_all(&mut *self.inner).await.map_err(unavailable)?;
        found.iter().map(rows::passkey_with_id).collect()
    }

    async fn count_recovery_codes_before(&mut self, user: UserId, before: Timestamp) -> Result<u32, Unavailable> {
        let text = "select count(*) from recovery_codes where user_id = $1 and created_at < $2";
        let query = query_scalar::<_, i64>(text).bind(user.0).bind(before.unix_millis());
        let count = query.fetch_one(&mut *self.inner).await;
        count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)).map_err(unavailable)
    }

    async fn remove_passkey(&mut self, user: UserId, id: &CredentialId) -> Result<bool, Unavailable> {
        let statement =
            query("delete from passkeys where credential_id = $1 and user_id = $2").bind(id.as_bytes()).bind(user.0);
        Ok(self.run(statement).await? == 1)
    }

    async fn suspend_passkeys(&mut self, user: UserId, since: Timestamp, now: Timestamp) -> Result<u64, Unavailable> {
        let statement = query(
            "update passkeys set suspended_at = $3 where user_id = $1 and created_at >= $2 \
             and added_with <> 'sign-up' and suspended_at is null",
        )
        .bind(user.0)
        .bind(since.unix_millis())
        .bind(now.unix_millis());
        self.run(statement).await
    }

    async fn renew_session(&mut self, former: &TokenHash, renewed: &Session) -> Result<bool, Unavailable> {
        let (method, credential_id) = rows::method_columns(&renewed.method);
        let statement = query(
            "update sessions set token_hash = $3, method = $4, credential_id = $5, user_verified = $6, \
                                 authenticated_at = $7, last_seen_at = $7, ends_at = $8, idle_millis = $9, kept = $10, \
                                 offers_passkey = $11, added_passkey = $12 where id = $1 and token_hash = $2",
        )
        .bind(renewed.id.0)
        .bind(&former.0[..])
        .bind(&renewed.token_hash.0[..])
        .bind(method)
        .bind(credential_id)
        .bind(renewed.user_verified)
        .bind(renewed.authenticated_at.unix_millis())
        .bind(renewed.ends_at.unix_millis())
        .bind(rows::millis(renewed.idle))
        .bind(renewed.kept)
        .bind(renewed.offers_passkey)
        .bind(renewed.added_passkey);
        Ok(self.run(statement).await? == 1)
    }

    async fn has_session(&mut self, session: &Session) -> Result<bool, Unavailable> {
        let count = query_scalar::<_, i64>("select count(*) from sessions where id = $1 and token_hash = $2")
            .bind(session.id.0)
            .bind(&session.token_hash.0[..])
            .fetch_one(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(count == 1)
    }

    async fn end_all_sessions(&mut self, user: UserId) -> Result<u64, Unavailable> {
        self.run(query("delete from sessions where user_id = $1").bind(user.0)).await
    }

    async fn void_recognition(&mut self, user: UserId) -> Result<(), Unavailable> {
        let statement = query("update known_browsers set recognised = false where user_id = $1").bind(user.0);
        self.run(statement).await.map(drop)
    }

    async fn set_lockdown(&mut self, user: UserId, lockdown: Option<Lockdown>) -> Result<(), Unavailable> {
        let statement = query("update users set guarded_since = $2, lockdown_ends_at = $3 where id = $1")
            .bind(user.0)
            .bind(lockdown.map(|lockdown| lockdown.since.unix_millis()))
            .bind(lockdown.and_then(|lockdown| lockdown.ends_at).map(Timestamp::unix_millis));
        self.run(statement).await.map(drop)
    }

    async fn rename_user(&mut self, user: &User) -> Result<Insertion, Unavailable> {
        let done = query(
            "update users set username = $2, username_key = $3, display_name = $4, username_changed_at = $5 \
             where id = $1 and not exists (select 1 from users other where other.username_key = $3 and other.id <> $1)",
        )
        .bind(user.id.0)
        .bind(user.username.as_str())
        .bind(user.username.key())
        .bind(user.display_name.as_str())
        .bind(user.username_changed_at.map(Timestamp::unix_millis))
        .execute(&mut *self.inner)
        .await;
        match done {
            Ok(done) if done.rows_affected() == 1 => Ok(Insertion::Done),
            Ok(_) => Ok(Insertion::Conflict),
            // Somebody took it between the look and the write: the index is the judge.
            Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => Ok(Insertion::Conflict),
            Err(cause) => Err(unavailable(cause)),
        }
    }

    async fn hold_username(&mut self, name: &KeyedHash, user: UserId, until: Timestamp) -> Result<(), Unavailable> {
        let statement = query(
            "insert into held_usernames (name_hash, user_id, held_until) values ($1, $2, $3) \
             on conflict (name_hash) do update set user_id = $2, held_until = $3",
        )
        .bind(&name[..])
        .bind(user.0)
        .bind(until.unix_millis());
        self.run(statement).await.map(drop)
    }

    async fn is_username_held(
        &mut self,
        names: &[KeyedHash],
        user: Option<UserId>,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        Ok(self.holders(names, now).await?.into_iter().any(|holder| Some(holder) != user))
    }

    async fn is_username_held_for(
        &mut self,
        names: &[KeyedHash],
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        Ok(self.holders(names, now).await?.contains(&user))
    }

    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[RecoveryCodeHash],
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        self.run(query("delete from recovery_codes where user_id = $1").bind(user.0)).await?;
        for code in codes {
            let statement = query("insert into recovery_codes (code_hash, user_id, created_at) values ($1, $2, $3)")
                .bind(&code.0[..])
                .bind(user.0)
                .bind(now.unix_millis());
            self.run(statement).await?;
        }
        Ok(())
    }

    async fn owner_of_recovery_code(
        &mut self,
        code: &RecoveryCodeHash,
        identifier: &Identifier,
    ) -> Result<Option<UserId>, Unavailable> {
        let (text, key) = match identifier {
            Identifier::Username(name) => (
                "select user_id from recovery_codes where code_hash = $1 \
                 and user_id in (select id from users where username_key = $2)",
                Some(name.key()),
            ),
            Identifier::Address(address) => (
                "select user_id from recovery_codes where code_hash = $1 \
                 and user_id in (select id from users where email_key = $2 and email_verified)",
                email_key(address),
            ),
        };
        let user = query_scalar::<_, uuid::Uuid>(text)
            .bind(&code.0[..])
            .bind(key)
            .fetch_optional(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(user.map(UserId))
    }

    async fn use_recovery_code(&mut self, code: &RecoveryCodeHash) -> Result<Option<Timestamp>, Unavailable> {
        let made = query_scalar::<_, i64>("delete from recovery_codes where code_hash = $1 returning created_at")
            .bind(&code.0[..])
            .fetch_optional(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(made.map(Timestamp::from_unix_millis))
    }

    async fn remove_recovery_codes(&mut self, user: UserId, since: Timestamp) -> Result<u64, Unavailable> {
        let statement = query("delete from recovery_codes where user_id = $1 and created_at >= $2")
            .bind(user.0)
            .bind(since.unix_millis());
        self.run(statement).await
    }

    async fn add_notification(&mut self, letter: &Notification, outgoing: &OutgoingEmail) -> Result<(), Unavailable> {
        let statement = query(
            "insert into security_letters (id, user_id, occasion, detail, address, address_key, name, can_undo, browser, \
                                           system, happened_at, expires_at, language) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(letter.id.0)
        .bind(letter.user_id.map(|user| user.0))
        .bind(letter.occasion.name())
        .bind(letter.detail.as_deref())
        .bind(letter.address.as_str())
        .bind(email_key(&letter.address).unwrap_or_default())
        .bind(letter.name.as_str())
        .bind(letter.can_undo)
        .bind(letter.client.browser.as_deref())
        .bind(letter.client.system.as_deref())
        .bind(letter.happened_at.unix_millis())
        .bind(letter.expires_at.unix_millis())
        .bind(letter.language.tag());
        self.run(statement).await?;
        let statement = query(
            "insert into letters (id, security_letter_id, created_at, not_after, due_at) values ($1, $2, $3, $4, $3)",
        )
        .bind(outgoing.id.0)
        .bind(letter.id.0)
        .bind(outgoing.created_at.unix_millis())
        .bind(outgoing.not_after.unix_millis());
        self.run(statement).await.map(drop)
    }

    async fn count_notifications(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        since: Timestamp,
    ) -> Result<NotificationCounts, Unavailable> {
        let found = query(
            "select occasion, can_undo, count(*) as sent from security_letters \
             where user_id = $1 and address_key = $2 and happened_at > $3 group by occasion, can_undo",
        )
        .bind(user.0)
        .bind(email_key(address))
        .bind(since.unix_millis())
        .fetch_all(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        found.iter().map(rows::notification_count).collect::<Result<_, _>>().map(NotificationCounts)
    }

    async fn report_notification(&mut self, id: NotificationId, now: Timestamp) -> Result<bool, Unavailable> {
        let statement = query("update security_letters set answered_at = $2 where id = $1 and answered_at is null")
            .bind(id.0)
            .bind(now.unix_millis());
        Ok(self.run(statement).await? == 1)
    }

    async fn undo_notification(&mut self, id: NotificationId, now: Timestamp) -> Result<bool, Unavailable> {
        let statement =
            query("update security_letters set undone_at = $2 where id = $1 and can_undo and undone_at is null")
                .bind(id.0)
                .bind(now.unix_millis());
        Ok(self.run(statement).await? == 1)
    }

    async fn void_later_undo_links(
        &mut self,
        user: UserId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        let statement = query(
            "update security_letters set undone_at = $3 \
             where user_id = $1 and can_undo and undone_at is null and happened_at >= $2",
        )
        .bind(user.0)
        .bind(since.unix_millis())
        .bind(now.unix_millis());
        self.run(statement).await.map(drop)
    }

    async fn remember_restored(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        changed_at: Timestamp,
    ) -> Result<(), Unavailable> {
        // Of several undone changes away from the same address the first one counts.
        let statement = query(
            "update users set restored_email_key = $2, restored_change_at = case \
               when restored_email_key = $2 and restored_change_at < $3 then restored_change_at else $3 end \
             where id = $1",
        )
        .bind(user.0)
        .bind(email_key(address))
        .bind(changed_at.unix_millis());
        self.run(statement).await.map(drop)
    }

    async fn restored(&mut self, user: UserId, address: &EmailAddress) -> Result<Option<Timestamp>, Unavailable> {
        let text = "select restored_change_at from users where id = $1 and restored_email_key = $2";
        let query = query_scalar::<_, Option<i64>>(text).bind(user.0).bind(email_key(address));
        let changed_at = query.fetch_optional(&mut *self.inner).await.map_err(unavailable)?;
        Ok(changed_at.flatten().map(Timestamp::from_unix_millis))
    }

    async fn void_requests_of_user(&mut self, user: UserId) -> Result<(), Unavailable> {
        self.run(query("delete from letter_requests where user_id = $1").bind(user.0)).await.map(drop)
    }

    async fn delete_user(&mut self, user: UserId, now: Timestamp) -> Result<bool, Unavailable> {
        let statement = query(
            "update users set deleted_at = $2, username = 'deleted', username_key = $3, display_name = 'deleted', \
                              email = null, email_key = null, email_verified = false, restored_email_key = null \
             where id = $1 and deleted_at is null",
        )
        .bind(user.0)
        .bind(now.unix_millis())
        .bind(key_of_deleted(user));
        Ok(self.run(statement).await? == 1)
    }
}

/// A key that no username has, so that the name is free for others.
fn key_of_deleted(user: UserId) -> String {
    format!("~{}", user.0.simple())
}
