use super::unit::Transaction;
use super::{Relational, rows, unavailable};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::user::email_key;
use crate::server::model::{Invitation, InvitationId, User, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{AccountSummary, Operation, OperationWrites};
use crate::types::{Identifier, Language};
use async_trait::async_trait;
use sqlx::{query, query_scalar};

/// Reads accounts for which a condition holds, with what belongs to them.
macro_rules! select_account {
    ($condition:literal) => {
        concat!(
            "select u.id as user_id, ",
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
impl Operation for Relational {
    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<AccountSummary>, Unavailable> {
        let found = query(select_account!("u.username_key > $1 order by u.username_key limit $2"))
            .bind(after.unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(&self.pools.read)
            .await
            .map_err(unavailable)?;
        found.iter().map(rows::account_summary).collect()
    }

    async fn account(&self, id: UserId) -> Result<Option<AccountSummary>, Unavailable> {
        let row = query(select_account!("u.id = $1")).bind(id.0).fetch_optional(&self.pools.read).await;
        row.map_err(unavailable)?.map(|row| rows::account_summary(&row)).transpose()
    }

    async fn account_named(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable> {
        let (text, key) = match identifier {
            Identifier::Username(name) => (select_user!("u.username_key = $1"), Some(name.key())),
            Identifier::Address(address) => (select_user!("u.email_key = $1 and u.email_verified"), email_key(address)),
        };
        let row = query(text).bind(key).fetch_optional(&self.pools.read).await.map_err(unavailable)?;
        row.map(|row| rows::user(&row)).transpose()
    }

    async fn invitation(&self, link: &TokenHash) -> Result<Option<Invitation>, Unavailable> {
        let row = query("select * from invitations where link_hash = $1")
            .bind(&link.0[..])
            .fetch_optional(&self.pools.read)
            .await
            .map_err(unavailable)?;
        row.map(|row| rows::invitation(&row)).transpose()
    }

    async fn invitations(&self, before: Option<&Invitation>, limit: u32) -> Result<Vec<Invitation>, Unavailable> {
        let (made, id) = before.map_or((i64::MAX, uuid::Uuid::nil()), |one| (one.created_at.unix_millis(), one.id.0));
        let found = query(
            "select * from invitations where created_at < $1 or (created_at = $1 and id > $2) \
             order by created_at desc, id limit $3",
        )
        .bind(made)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(&self.pools.read)
        .await
        .map_err(unavailable)?;
        found.iter().map(rows::invitation).collect()
    }

    async fn owners_of_sessions(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let text = "select distinct user_id from sessions where user_id > $1 order by user_id limit $2";
        let query = query_scalar(text).bind(after.map_or(uuid::Uuid::nil(), |user| user.0)).bind(i64::from(limit));
        let found = query.fetch_all(&self.pools.read).await.map_err(unavailable)?;
        Ok(found.into_iter().map(UserId).collect())
    }

    async fn end_everything_open(&self, now: Timestamp) -> Result<u64, Unavailable> {
        const BATCH: u64 = 1_000;
        let mut sessions = 0;
        for (is_session, text) in [
            (true, "delete from sessions where id in (select id from sessions limit $1)"),
            (false, "delete from letter_requests where id in (select id from letter_requests limit $1)"),
            (false, "delete from letters where id in (select id from letters limit $1)"),
        ] {
            loop {
                let removed = self.run(query(text).bind(i64::try_from(BATCH).unwrap_or(i64::MAX))).await?;
                sessions += if is_session { removed } else { 0 };
                if removed < BATCH {
                    break;
                }
            }
        }
        let undo = "update security_letters set undone_at = $1 where can_undo and undone_at is null";
        self.run(query(undo).bind(now.unix_millis())).await?;
        Ok(sessions)
    }
}

#[async_trait]
impl OperationWrites for Transaction {
    async fn set_disabled(&mut self, user: UserId, since: Option<Timestamp>) -> Result<(), Unavailable> {
        query("update users set disabled_at = $2 where id = $1")
            .bind(user.0)
            .bind(since.map(Timestamp::unix_millis))
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn set_language(&mut self, user: UserId, language: Language) -> Result<(), Unavailable> {
        query("update users set language = $2 where id = $1")
            .bind(user.0)
            .bind(language.tag())
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn add_invitation(&mut self, invitation: &Invitation) -> Result<(), Unavailable> {
        query(
            "insert into invitations (id, link_hash, note, uses_left, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(invitation.id.0)
        .bind(&invitation.link_hash.0[..])
        .bind(invitation.note.as_deref())
        .bind(i64::from(invitation.uses_left))
        .bind(invitation.created_at.unix_millis())
        .bind(invitation.expires_at.unix_millis())
        .execute(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn use_invitation(&mut self, link: &TokenHash, now: Timestamp) -> Result<bool, Unavailable> {
        let done = query(
            "update invitations set uses_left = uses_left - 1 where link_hash = $1 and uses_left > 0 and expires_at > $2",
        )
        .bind(&link.0[..])
        .bind(now.unix_millis())
        .execute(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove_invitation(&mut self, id: InvitationId) -> Result<bool, Unavailable> {
        let done = query("delete from invitations where id = $1")
            .bind(id.0)
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }
}
