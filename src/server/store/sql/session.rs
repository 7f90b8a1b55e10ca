use super::row::{DatabaseRow, client, get, hash, invalid, millis, time};
use super::transaction::Transaction;
use super::{SqlStore, user};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::session::{MAX_SESSIONS, Method};
use crate::server::model::{CredentialId, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{OtherSessions, SessionReads, SessionWrites};
use async_trait::async_trait;
use sqlx::query;
use std::time::Duration;
use uuid::Uuid;

pub const REMOVE_OF_USER: &str =
    "delete from sessions where id in (select id from sessions where user_id = $1 limit $2)";

/// A method, as its two columns store it.
pub fn method_columns(method: &Method) -> (&'static str, Option<&[u8]>) {
    let id = match method {
        Method::Passkey(id) => Some(id.as_bytes()),
        Method::Email | Method::Recovery | Method::BreakGlass => None,
    };
    (method.name(), id)
}

/// Reads a method from the columns of [`method_columns`].
pub fn method_of(row: &DatabaseRow) -> Result<Method, Unavailable> {
    let credential_id = get::<Option<Vec<u8>>>(row, "credential_id")?.and_then(CredentialId::new);
    Method::parse(get(row, "method")?, credential_id).ok_or_else(|| invalid("method"))
}

pub fn session(row: &DatabaseRow) -> Result<Session, Unavailable> {
    let idle = u64::try_from(get::<i64>(row, "idle_millis")?).map_err(|_| invalid("idle_millis"))?;
    Ok(Session {
        id: SessionId(get(row, "id")?),
        user_id: UserId(get(row, "user_id")?),
        token_hash: hash(row, "token_hash")?,
        method: method_of(row)?,
        user_verified: get(row, "user_verified")?,
        authenticated_at: time(row, "authenticated_at")?,
        created_at: time(row, "created_at")?,
        last_seen_at: time(row, "last_seen_at")?,
        ends_at: time(row, "ends_at")?,
        idle: Duration::from_millis(idle),
        client: client(row)?,
        offers_passkey: get(row, "offers_passkey")?,
        added_passkey: get(row, "added_passkey")?,
        kept: get(row, "kept")?,
    })
}

#[async_trait]
impl SessionReads for SqlStore {
    async fn session(&self, token: &TokenHash) -> Result<Option<(Session, User)>, Unavailable> {
        const TEXT: &str = concat!(
            "select ",
            session_columns!("s."),
            ", ",
            user_columns!(),
            " from sessions s join users u on u.id = s.user_id where s.token_hash = $1 and u.deleted_at is null"
        );
        let row = self.pools.cache.look_up(|| query(TEXT).bind(&token.0[..])).await;
        let row = row.map_err(|cause| self.failed(cause))?;
        row.map(|row| Ok((session(&row)?, user::user(&row)?))).transpose()
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Unavailable> {
        let statement = query(concat!(
            "select ",
            session_columns!(""),
            " from sessions where user_id = $1 order by last_seen_at desc, id limit $2"
        ));
        let found = self.all(statement.bind(user.0).bind(i64::from(MAX_SESSIONS))).await?;
        found.iter().map(session).collect()
    }

    async fn owners_of_sessions(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let statement = query("select distinct user_id from sessions where user_id > $1 order by user_id limit $2");
        let after = after.map_or(Uuid::nil(), |user| user.0);
        let found = self.all(statement.bind(after).bind(i64::from(limit))).await?;
        found.iter().map(|row| get(row, "user_id").map(UserId)).collect()
    }

    async fn remove_expired_session(&self, id: SessionId) -> Result<(), Unavailable> {
        self.run(query("delete from sessions where id = $1").bind(id.0)).await.map(drop)
    }

    async fn mark_session_seen(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable> {
        let statement = query("update sessions set last_seen_at = $2 where id = $1 and last_seen_at < $2");
        self.run(statement.bind(id.0).bind(at.unix_millis())).await.map(drop)
    }

    async fn remove_expired_sessions(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text =
            "delete from sessions where id in (select id from sessions where ends_at <= $1 order by ends_at limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }
}

#[async_trait]
impl SessionWrites for Transaction {
    async fn add_session(&mut self, session: &Session) -> Result<(), Unavailable> {
        let (method, credential_id) = method_columns(&session.method);
        let statement = query(concat!(
            "insert into sessions (",
            session_columns!(""),
            ") values (",
            session_values!(
                id = "$1",
                user_id = "$2",
                token_hash = "$3",
                method = "$4",
                credential_id = "$5",
                user_verified = "$6",
                authenticated_at = "$7",
                created_at = "$8",
                last_seen_at = "$9",
                ends_at = "$10",
                idle_millis = "$11",
                browser = "$12",
                system = "$13",
                offers_passkey = "$14",
                added_passkey = "$15",
                kept = "$16",
            ),
            ")"
        ))
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
        .bind(millis(session.idle))
        .bind(session.client.browser.as_deref())
        .bind(session.client.system.as_deref())
        .bind(session.offers_passkey)
        .bind(session.added_passkey)
        .bind(session.kept);
        self.run(statement).await.map(drop)
    }

    async fn has_session(&mut self, session: &Session) -> Result<bool, Unavailable> {
        let statement = query("select count(*) from sessions where id = $1 and token_hash = $2");
        Ok(self.count(statement.bind(session.id.0).bind(&session.token_hash.0[..])).await? == 1)
    }

    async fn renew_session(&mut self, former: &TokenHash, renewed: &Session) -> Result<bool, Unavailable> {
        let (method, credential_id) = method_columns(&renewed.method);
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
        .bind(millis(renewed.idle))
        .bind(renewed.kept)
        .bind(renewed.offers_passkey)
        .bind(renewed.added_passkey);
        Ok(self.run(statement).await? == 1)
    }

    async fn end_offer(&mut self, id: SessionId, added_passkey: bool) -> Result<bool, Unavailable> {
        let statement = query(
            "update sessions set offers_passkey = false, added_passkey = (added_passkey or $2) \
             where id = $1 and not (added_passkey and $2)",
        );
        Ok(self.run(statement.bind(id.0).bind(added_passkey)).await? == 1)
    }

    async fn end_session_by_token(&mut self, token: &TokenHash, now: Timestamp) -> Result<bool, Unavailable> {
        self.queue_logouts(query(visits_of!("s.token_hash = $1")).bind(&token.0[..]), now).await?;
        Ok(self.run(query("delete from sessions where token_hash = $1").bind(&token.0[..])).await? == 1)
    }

    async fn end_session(&mut self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Unavailable> {
        let visits = query(visits_of!("s.id = $1 and s.user_id = $2")).bind(id.0).bind(user.0);
        self.queue_logouts(visits, now).await?;
        let statement = query("delete from sessions where id = $1 and user_id = $2");
        Ok(self.run(statement.bind(id.0).bind(user.0)).await? == 1)
    }

    async fn end_other_sessions(
        &mut self,
        user: UserId,
        others: OtherSessions<'_>,
        now: Timestamp,
    ) -> Result<u64, Unavailable> {
        const VISITS: &str = visits_of!("s.user_id = $1 and s.id <> $2");
        const VISITS_WITH: &str = visits_of!("s.user_id = $1 and s.id <> $2 and s.credential_id = $3");
        let OtherSessions { except, opened_with } = others;
        let (visits, end) = match opened_with {
            Some(_) => (VISITS_WITH, "delete from sessions where user_id = $1 and id <> $2 and credential_id = $3"),
            None => (VISITS, "delete from sessions where user_id = $1 and id <> $2"),
        };
        let bound = |text: &'static str| {
            let statement = query(text).bind(user.0).bind(except.0);
            match opened_with {
                Some(passkey) => statement.bind(passkey.as_bytes()),
                None => statement,
            }
        };
        self.queue_logouts(bound(visits), now).await?;
        self.run(bound(end)).await
    }

    async fn end_all_sessions(&mut self, user: UserId, now: Timestamp) -> Result<u64, Unavailable> {
        self.queue_logouts(query(visits_of!("s.user_id = $1")).bind(user.0), now).await?;
        self.run(query("delete from sessions where user_id = $1").bind(user.0)).await
    }

    async fn trim_sessions(&mut self, user: UserId, now: Timestamp) -> Result<(), Unavailable> {
        const VISITS: &str = visits_of!(
            "s.id in (select id from sessions where user_id = $1 order by last_seen_at desc, id desc limit 1000 offset $2)"
        );
        self.queue_logouts(query(VISITS).bind(user.0).bind(i64::from(MAX_SESSIONS)), now).await?;
        let statement = query(
            "delete from sessions where id in (select id from sessions where user_id = $1 \
             order by last_seen_at desc, id desc limit 1000 offset $2)",
        );
        self.run(statement.bind(user.0).bind(i64::from(MAX_SESSIONS))).await.map(drop)
    }
}
