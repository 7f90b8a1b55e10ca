use super::super::{Database, Turn};
use super::{rows, unavailable};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::user::email_key;
use crate::server::model::{CredentialId, Event, Passkey, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{Insertion, Unit};
use crate::server::telemetry::AUDIT;
use crate::types::{DisplayName, EmailAddress, views};
use async_trait::async_trait;
use sqlx::query;
use sqlx::query::Query;

/// One unit of work as one transaction; rolled back when dropped.
pub struct Transaction {
    pub(super) inner: sqlx::Transaction<'static, Database>,
    /// What is certain once this is committed.
    pub(super) recorded: Vec<Event>,
    /// Dropped last, so that whoever is next finds the file free after a commit. A rollback is done behind the scenes: there
    /// the next one waits for the file a moment longer.
    _turn: Turn,
}

impl Transaction {
    pub fn new(inner: sqlx::Transaction<'static, Database>, turn: Turn) -> Self {
        Self { inner, recorded: Vec::new(), _turn: turn }
    }
}

/// A statement whose first nine values are a passkey, its owner and a use of it.
pub fn query_of_use<'q>(
    text: &'static str,
    passkey: &'q Passkey,
    used: &'q PasskeyUse,
) -> Query<'q, Database, <Database as sqlx::Database>::Arguments> {
    query(text)
        .bind(passkey.credential_id.as_bytes())
        .bind(passkey.user_id.0)
        .bind(&used.record)
        .bind(used.backup_eligible)
        .bind(used.backed_up)
        .bind(i64::from(used.sign_count))
        .bind(used.at.unix_millis())
        .bind(used.on.browser.as_deref())
        .bind(used.on.system.as_deref())
}

/// Logs what has certainly happened.
pub fn audit(event: &Event) {
    tracing::info!(target: AUDIT, user = %event.user_id.0, event = event.kind.name(), "it happened");
}

fn insertion(rows: u64) -> Insertion {
    if rows == 0 { Insertion::Conflict } else { Insertion::Done }
}

#[async_trait]
impl Unit for Transaction {
    async fn add_user(&mut self, user: &User) -> Result<Insertion, Unavailable> {
        let done = query(
            "insert into users (id, username, username_key, display_name, email, email_key, email_verified, created_at, \
                                language) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (username_key) do nothing",
        )
        .bind(user.id.0)
        .bind(user.username.as_str())
        .bind(user.username.key())
        .bind(user.display_name.as_str())
        .bind(user.email.as_ref().map(EmailAddress::as_str))
        .bind(user.email.as_ref().and_then(email_key))
        .bind(user.email_verified)
        .bind(user.created_at.unix_millis())
        .bind(user.language.tag())
        .execute(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(insertion(done.rows_affected()))
    }

    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<Insertion, Unavailable> {
        let done = query(
            "insert into passkeys (credential_id, user_id, rp_id, record, record_version, aaguid, transports, \
                                   backup_eligible, backed_up, sign_count, created_at, last_used_at, name, added_with) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict (credential_id) do nothing",
        )
        .bind(passkey.credential_id.as_bytes())
        .bind(passkey.user_id.0)
        .bind(&passkey.rp_id)
        .bind(&passkey.record)
        .bind(passkey.record_version)
        .bind(passkey.aaguid)
        .bind(&passkey.transports)
        .bind(passkey.backup_eligible)
        .bind(passkey.backed_up)
        .bind(i64::from(passkey.sign_count))
        .bind(passkey.created_at.unix_millis())
        .bind(passkey.last_used_at.map(Timestamp::unix_millis))
        .bind(&passkey.name)
        .bind(passkey.added_with.name())
        .execute(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(insertion(done.rows_affected()))
    }

    async fn record_passkey_use(&mut self, passkey: &Passkey, used: &PasskeyUse) -> Result<bool, Unavailable> {
        let text = concat!(
            "update passkeys set record = $3, backup_eligible = $4, backed_up = $5, sign_count = $6, last_used_at = $7, \
                                 last_used_browser = $8, last_used_system = $9 \
             where credential_id = $1 and user_id = $2 and ",
            may_be_used!("$6", "$4")
        );
        let done = query_of_use(text, passkey, used).execute(&mut *self.inner).await.map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn add_session(&mut self, session: &Session) -> Result<(), Unavailable> {
        let (method, credential_id) = rows::method_columns(&session.method);
        query(
            "insert into sessions (id, user_id, token_hash, method, credential_id, user_verified, authenticated_at, \
                                   created_at, last_seen_at, ends_at, idle_millis, browser, system, \
                                   offers_passkey, added_passkey, kept) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(session.id.0)
        .bind(session.user_id.0)
        .bind(&session.token_hash.0[..])
        .bind(method)
        .bind(credential_id)
        .bind(session.user_verified)
        .bind(session.authenticated_at.unix_millis())
        .bind(session.created_at.unix_millis())
        .bind(session.last_seen_at.unix_millis())
        .bind(session.ends_at.unix_millis())
        .bind(rows::millis(session.idle))
        .bind(session.client.browser.as_deref())
        .bind(session.client.system.as_deref())
        .bind(session.offers_passkey)
        .bind(session.added_passkey)
        .bind(session.kept)
        .execute(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn end_offer(&mut self, id: SessionId, added_passkey: bool) -> Result<bool, Unavailable> {
        let done =
            query("update sessions set offers_passkey = false, added_passkey = (added_passkey or $2) where id = $1 and not (added_passkey and $2)")
                .bind(id.0)
                .bind(added_passkey)
                .execute(&mut *self.inner)
                .await
                .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove_session(&mut self, token: &TokenHash) -> Result<Option<(UserId, views::Client)>, Unavailable> {
        let row = query("delete from sessions where token_hash = $1 returning user_id, browser, system")
            .bind(&token.0[..])
            .fetch_optional(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        row.map(|row| Ok((UserId(rows::get(&row, "user_id")?), rows::client(&row)?))).transpose()
    }

    async fn end_session(&mut self, user: UserId, id: SessionId) -> Result<bool, Unavailable> {
        let done = query("delete from sessions where id = $1 and user_id = $2")
            .bind(id.0)
            .bind(user.0)
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn end_other_sessions(
        &mut self,
        user: UserId,
        kept: SessionId,
        opened_with: Option<&CredentialId>,
    ) -> Result<u64, Unavailable> {
        let text = match opened_with {
            Some(_) => "delete from sessions where user_id = $1 and id <> $2 and credential_id = $3",
            None => "delete from sessions where user_id = $1 and id <> $2",
        };
        let query = query(text).bind(user.0).bind(kept.0);
        let query = match opened_with {
            Some(passkey) => query.bind(passkey.as_bytes()),
            None => query,
        };
        let done = query.execute(&mut *self.inner).await.map_err(unavailable)?;
        Ok(done.rows_affected())
    }

    async fn rename_passkey(
        &mut self,
        user: UserId,
        id: &CredentialId,
        name: &DisplayName,
    ) -> Result<bool, Unavailable> {
        let done = query("update passkeys set name = $3 where credential_id = $1 and user_id = $2")
            .bind(id.as_bytes())
            .bind(user.0)
            .bind(name.as_str())
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn commit(self: Box<Self>) -> Result<(), Unavailable> {
        self.inner.commit().await.map_err(unavailable)?;
        self.recorded.iter().for_each(audit);
        Ok(())
    }
}
