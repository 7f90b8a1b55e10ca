use super::super::dialect::Dialect;
use super::SqlStore;
use super::row::{DatabaseRow, get, get_u32, invalid, language, maybe_address, maybe_time, time};
use super::transaction::Transaction;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::user::email_key;
use crate::server::model::{Lockdown, User, UserId};
use crate::server::store::{AccountSummary, Insertion, UserReads, UserWrites};
use crate::types::{DisplayName, EmailAddress, Identifier, Language, Username};
use async_trait::async_trait;
use sqlx::query;

/// Reads an account from [`user_columns`].
pub fn user(row: &DatabaseRow) -> Result<User, Unavailable> {
    let ends_at = maybe_time(row, "user_lockdown_ends_at")?;
    Ok(User {
        id: UserId(get(row, "user_id")?),
        username: Username::parse(get(row, "user_username")?).map_err(|_| invalid("username"))?,
        display_name: DisplayName::parse(get(row, "user_display_name")?).map_err(|_| invalid("display_name"))?,
        email: maybe_address(row, "user_email")?,
        email_verified: get(row, "user_email_verified")?,
        created_at: time(row, "user_created_at")?,
        username_changed_at: maybe_time(row, "user_username_changed_at")?,
        lockdown: maybe_time(row, "user_guarded_since")?.map(|since| Lockdown { since, ends_at }),
        disabled_at: maybe_time(row, "user_disabled_at")?,
        language: language(row, "user_language")?,
    })
}

fn summary(row: &DatabaseRow) -> Result<AccountSummary, Unavailable> {
    Ok(AccountSummary {
        user: user(row)?,
        passkeys: get_u32(row, "passkeys")?,
        sessions: get_u32(row, "sessions")?,
        last_seen_at: maybe_time(row, "seen_at")?,
    })
}

/// Reads the summaries of accounts that match a condition.
macro_rules! select_summary {
    ($condition:literal) => {
        concat!(
            "select ",
            user_columns!(),
            ", (select count(*) from passkeys p where p.user_id = u.id) as passkeys, \
               (select count(*) from sessions s where s.user_id = u.id) as sessions, \
               (select max(s.last_seen_at) from sessions s where s.user_id = u.id) as seen_at from users u \
               where u.deleted_at is null and ",
            $condition
        )
    };
}

#[async_trait]
impl UserReads for SqlStore {
    async fn user(&self, id: UserId) -> Result<Option<User>, Unavailable> {
        self.one(query(select_user!("u.id = $1")).bind(id.0)).await?.map(|row| user(&row)).transpose()
    }

    async fn user_with_verified_address(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable> {
        let (text, key) = match identifier {
            Identifier::Username(name) => (select_user!("u.username_key = $1 and u.email_verified"), Some(name.key())),
            Identifier::Address(address) => (select_user!("u.email_key = $1 and u.email_verified"), email_key(address)),
        };
        self.one(query(text).bind(key)).await?.map(|row| user(&row)).transpose()
    }

    async fn username_is_taken(&self, username: &Username) -> Result<bool, Unavailable> {
        let text = "select count(*) from users where username_key = $1";
        Ok(self.count(query(text).bind(username.key())).await? > 0)
    }

    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<AccountSummary>, Unavailable> {
        let statement = query(select_summary!("u.username_key > $1 order by u.username_key limit $2"))
            .bind(after.unwrap_or_default())
            .bind(i64::from(limit));
        self.all(statement).await?.iter().map(summary).collect()
    }

    async fn account(&self, id: UserId) -> Result<Option<AccountSummary>, Unavailable> {
        self.one(query(select_summary!("u.id = $1")).bind(id.0)).await?.map(|row| summary(&row)).transpose()
    }

    async fn account_by_identifier(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable> {
        let (text, key) = match identifier {
            Identifier::Username(name) => (select_user!("u.username_key = $1"), Some(name.key())),
            Identifier::Address(address) => (select_user!("u.email_key = $1 and u.email_verified"), email_key(address)),
        };
        self.one(query(text).bind(key)).await?.map(|row| user(&row)).transpose()
    }

    async fn count_without_sign_in_method(&self, rp_id: &str, email_signs_in: bool) -> Result<u64, Unavailable> {
        let statement = query(
            "select count(*) from users u where u.deleted_at is null and not (u.email_verified and $2) \
             and not exists (select 1 from passkeys p where p.user_id = u.id and p.rp_id = $1 and p.suspended_at is null)",
        );
        self.count(statement.bind(rp_id).bind(email_signs_in)).await
    }

    async fn deleted_accounts(&self, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let text = "select id from users where deleted_at is not null order by deleted_at limit $1";
        let found = self.all(query(text).bind(i64::from(limit))).await?;
        found.iter().map(|row| get(row, "id").map(UserId)).collect()
    }
}

#[async_trait]
impl UserWrites for Transaction {
    async fn add_user(&mut self, user: &User) -> Result<Insertion, Unavailable> {
        let statement = query(concat!(
            "insert into users (",
            user_row!(""),
            ") values (",
            user_values!(
                id = "$1",
                username = "$2",
                username_key = "$3",
                display_name = "$4",
                email = "$5",
                email_key = "$6",
                email_verified = "$7",
                created_at = "$8",
                username_changed_at = "null",
                guarded_since = "null",
                lockdown_ends_at = "null",
                disabled_at = "null",
                deleted_at = "null",
                language = "$9",
                restored_email_key = "null",
                restored_change_at = "null",
            ),
            ") on conflict (username_key) do nothing"
        ))
        .bind(user.id.0)
        .bind(user.username.as_str())
        .bind(user.username.key())
        .bind(user.display_name.as_str())
        .bind(user.email.as_ref().map(EmailAddress::as_str))
        .bind(user.email.as_ref().and_then(email_key))
        .bind(user.email_verified)
        .bind(user.created_at.unix_millis())
        .bind(user.language.tag());
        self.run_unique(statement).await
    }

    async fn lock_user(&mut self, id: UserId) -> Result<Option<User>, Unavailable> {
        self.one(query(Dialect::LOCK_USER).bind(id.0)).await?.map(|row| user(&row)).transpose()
    }

    async fn lock_user_by_address(&mut self, address: &EmailAddress) -> Result<Option<User>, Unavailable> {
        self.one(query(Dialect::LOCK_USER_BY_ADDRESS).bind(email_key(address))).await?.map(|row| user(&row)).transpose()
    }

    async fn set_verified_address(&mut self, user: UserId, address: &EmailAddress) -> Result<bool, Unavailable> {
        let statement = query(
            "update users set email = $2, email_key = $3, email_verified = true where id = $1 and not exists \
             (select 1 from users other where other.email_key = $3 and other.email_verified and other.id <> $1)",
        );
        let statement = statement.bind(user.0).bind(address.as_str()).bind(email_key(address));
        Ok(self.run_unique(statement).await? == Insertion::Done)
    }

    async fn rename_user(&mut self, user: &User) -> Result<Insertion, Unavailable> {
        let statement = query(
            "update users set username = $2, username_key = $3, display_name = $4, username_changed_at = $5 \
             where id = $1 and not exists (select 1 from users other where other.username_key = $3 and other.id <> $1)",
        )
        .bind(user.id.0)
        .bind(user.username.as_str())
        .bind(user.username.key())
        .bind(user.display_name.as_str())
        .bind(user.username_changed_at.map(Timestamp::unix_millis));
        self.run_unique(statement).await
    }

    async fn set_lockdown(&mut self, user: UserId, lockdown: Option<Lockdown>) -> Result<(), Unavailable> {
        let statement = query("update users set guarded_since = $2, lockdown_ends_at = $3 where id = $1")
            .bind(user.0)
            .bind(lockdown.map(|lockdown| lockdown.since.unix_millis()))
            .bind(lockdown.and_then(|lockdown| lockdown.ends_at).map(Timestamp::unix_millis));
        self.run(statement).await.map(drop)
    }

    async fn set_disabled(&mut self, user: UserId, since: Option<Timestamp>) -> Result<(), Unavailable> {
        let statement = query("update users set disabled_at = $2 where id = $1");
        self.run(statement.bind(user.0).bind(since.map(Timestamp::unix_millis))).await.map(drop)
    }

    async fn set_language(&mut self, user: UserId, language: Language) -> Result<(), Unavailable> {
        let statement = query("update users set language = $2 where id = $1");
        self.run(statement.bind(user.0).bind(language.tag())).await.map(drop)
    }

    async fn record_restored_address(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        changed_at: Timestamp,
    ) -> Result<(), Unavailable> {
        // Of several undone changes away from the same address, the earliest one counts.
        let statement = query(
            "update users set restored_email_key = $2, restored_change_at = case \
               when restored_email_key = $2 and restored_change_at < $3 then restored_change_at else $3 end \
             where id = $1",
        );
        let statement = statement.bind(user.0).bind(email_key(address)).bind(changed_at.unix_millis());
        self.run(statement).await.map(drop)
    }

    async fn restored(&mut self, user: UserId, address: &EmailAddress) -> Result<Option<Timestamp>, Unavailable> {
        let statement = query("select restored_change_at from users where id = $1 and restored_email_key = $2");
        let row = self.one(statement.bind(user.0).bind(email_key(address))).await?;
        row.map_or(Ok(None), |row| maybe_time(&row, "restored_change_at"))
    }

    async fn delete_user(&mut self, user: UserId, now: Timestamp) -> Result<bool, Unavailable> {
        let statement = query(
            "update users set deleted_at = $2, username = 'deleted', username_key = $3, display_name = 'deleted', \
                              email = null, email_key = null, email_verified = false, restored_email_key = null \
             where id = $1 and deleted_at is null",
        );
        // No username can have this key, so the name becomes available to others.
        let key = format!("~{}", user.0.simple());
        let is_deleted = self.run(statement.bind(user.0).bind(now.unix_millis()).bind(key)).await? == 1;
        self.forget_holder(user).await?;
        self.has_deleted |= is_deleted;
        Ok(is_deleted)
    }
}
