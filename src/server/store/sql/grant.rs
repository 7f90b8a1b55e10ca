use super::row::{DatabaseRow, application_id, get, hash, maybe_time, time};
use super::session::{method_columns, method_of};
use super::transaction::Transaction;
use super::{SqlStore, Statement, user};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::assurance::Authentication;
use crate::server::model::oauth::grant::{MAX_ACCESS_TOKENS, MAX_GRANTS, MAX_REFRESH_TOKENS};
use crate::server::model::oauth::{Grant, GrantId, IssuedToken, RefreshToken, Scopes};
use crate::server::model::{ApplicationId, SessionId, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{ActiveGrant, GrantReads, GrantWrites};
use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

pub const REMOVE_OF_USER: &str = "delete from grants where id in (select id from grants where user_id = $1 limit $2)";

fn grant(row: &DatabaseRow) -> Result<Grant, Unavailable> {
    Ok(Grant {
        id: GrantId(get(row, "id")?),
        user_id: UserId(get(row, "user_id")?),
        application: application_id(row)?,
        session: get::<Option<Uuid>>(row, "session_id")?.map(SessionId),
        code_hash: hash(row, "code_hash")?,
        sid: get(row, "sid")?,
        scopes: Scopes::parse(get(row, "scopes")?),
        claims: get(row, "claims")?,
        authentication: Authentication {
            method: method_of(row)?,
            user_verified: get(row, "user_verified")?,
            at: time(row, "authenticated_at")?,
        },
        created_at: time(row, "created_at")?,
        ends_at: time(row, "ends_at")?,
    })
}

pub fn active_grant(row: &DatabaseRow) -> Result<ActiveGrant, Unavailable> {
    Ok(ActiveGrant { grant: grant(row)?, user: user::user(row)? })
}

#[async_trait]
impl GrantReads for SqlStore {
    async fn refresh_token(
        &self,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(ActiveGrant, RefreshToken)>, Unavailable> {
        const TEXT: &str = concat!(
            "select ",
            active_grant_columns!(),
            ", t.created_at as token_created_at, t.used_at as token_used_at",
            from_active_grants!("refresh_tokens"),
            " where ",
            is_active_grant!()
        );
        let row = self.one(query(TEXT).bind(&token.0[..]).bind(now.unix_millis())).await?;
        let read = |row: DatabaseRow| {
            let used_at = maybe_time(&row, "token_used_at")?;
            let found = RefreshToken { hash: *token, created_at: time(&row, "token_created_at")?, used_at };
            Ok((active_grant(&row)?, found))
        };
        row.map(read).transpose()
    }

    async fn remove_ended_grants(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text =
            "delete from grants where id in (select id from grants where ends_at <= $1 order by ends_at limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }

    async fn remove_expired_access_tokens(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from access_tokens where token_hash in \
                    (select token_hash from access_tokens where expires_at <= $1 order by expires_at limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }
}

/// Binds the values of a grant, in the order of its columns.
pub fn bind<'q>(statement: Statement<'q>, grant: &'q Grant) -> Statement<'q> {
    let (method, credential_id) = method_columns(&grant.authentication.method);
    statement
        .bind(grant.id.0)
        .bind(grant.user_id.0)
        .bind(grant.application.as_str())
        .bind(grant.session.map(|session| session.0))
        .bind(&grant.code_hash.0[..])
        .bind(grant.sid.as_str())
        .bind(grant.scopes.to_string())
        .bind(grant.claims.as_deref())
        .bind(method)
        .bind(credential_id)
        .bind(grant.authentication.user_verified)
        .bind(grant.authentication.at.unix_millis())
        .bind(grant.created_at.unix_millis())
        .bind(grant.ends_at.unix_millis())
}

#[async_trait]
impl GrantWrites for Transaction {
    async fn add_grant(&mut self, grant: &Grant, session: SessionId) -> Result<bool, Unavailable> {
        // The session is locked before the grant refers to it: another unit may be ending it.
        if self.run(query("update sessions set id = id where id = $1").bind(session.0)).await? == 0 {
            return Ok(false);
        }
        let statement = query(concat!(
            "insert into grants (",
            grant_columns!(""),
            ") values (",
            grant_values!(
                id = "$1",
                user_id = "$2",
                application_id = "$3",
                session_id = "$4",
                code_hash = "$5",
                sid = "$6",
                scopes = "$7",
                claims = "$8",
                method = "$9",
                credential_id = "$10",
                user_verified = "$11",
                authenticated_at = "$12",
                created_at = "$13",
                ends_at = "$14"
            ),
            ") on conflict (code_hash) do nothing"
        ));
        if self.run(bind(statement, grant)).await? == 0 {
            return Ok(false);
        }
        let visit = query(concat!(
            "insert into visits (",
            visit_columns!(""),
            ") values (",
            visit_values!(
                session_id = "$1",
                application_id = "$2",
                user_id = "$3",
                sid = "$5",
                first_at = "$4",
                last_at = "$4"
            ),
            ") on conflict (session_id, application_id) do update set last_at = $4"
        ));
        let at = grant.created_at.unix_millis();
        self.run(
            visit.bind(session.0).bind(grant.application.as_str()).bind(grant.user_id.0).bind(at).bind(&grant.sid),
        )
        .await?;
        Ok(true)
    }

    async fn lock_grant(&mut self, id: GrantId) -> Result<bool, Unavailable> {
        // An update that changes nothing locks the row on either database.
        Ok(self.run(query("update grants set id = id where id = $1").bind(id.0)).await? == 1)
    }

    async fn add_access_token(&mut self, grant: GrantId, token: &IssuedToken) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into access_tokens (",
            access_token_columns!(""),
            ") values (",
            access_token_values!(
                token_hash = "$1",
                grant_id = "$2",
                scopes = "$3",
                created_at = "$4",
                expires_at = "$5"
            ),
            ")"
        ))
        .bind(&token.hash.0[..])
        .bind(grant.0)
        .bind(token.scopes.to_string())
        .bind(token.created_at.unix_millis())
        .bind(token.expires_at.unix_millis());
        self.run(statement).await?;
        let surplus = query(
            "delete from access_tokens where token_hash in (select token_hash from access_tokens where grant_id = $1 \
             order by created_at desc, token_hash limit 1000 offset $2)",
        );
        self.run(surplus.bind(grant.0).bind(i64::from(MAX_ACCESS_TOKENS))).await.map(drop)
    }

    async fn add_refresh_token(&mut self, grant: GrantId, token: &RefreshToken) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into refresh_tokens (",
            refresh_token_columns!(""),
            ") values (",
            refresh_token_values!(token_hash = "$1", grant_id = "$2", created_at = "$3", used_at = "$4"),
            ") on conflict (token_hash) do nothing"
        ))
        .bind(&token.hash.0[..])
        .bind(grant.0)
        .bind(token.created_at.unix_millis())
        .bind(token.used_at.map(Timestamp::unix_millis));
        self.run(statement).await?;
        // The unused token is kept, whatever its creation time.
        let surplus = query(
            "delete from refresh_tokens where token_hash in (select token_hash from refresh_tokens where grant_id = $1 \
             order by case when used_at is null then 0 else 1 end, created_at desc, token_hash limit 1000 offset $2)",
        );
        self.run(surplus.bind(grant.0).bind(i64::from(MAX_REFRESH_TOKENS))).await.map(drop)
    }

    async fn reread_refresh_token(&mut self, token: &TokenHash) -> Result<Option<RefreshToken>, Unavailable> {
        let statement =
            query(concat!("select ", refresh_token_columns!(""), " from refresh_tokens where token_hash = $1"));
        let row = self.one(statement.bind(&token.0[..])).await?;
        let read = |row: DatabaseRow| {
            let (created_at, used_at) = (time(&row, "created_at")?, maybe_time(&row, "used_at")?);
            Ok(RefreshToken { hash: *token, created_at, used_at })
        };
        row.map(read).transpose()
    }

    async fn use_refresh_token(&mut self, token: &TokenHash, at: Timestamp) -> Result<(), Unavailable> {
        let statement = query("update refresh_tokens set used_at = $2 where token_hash = $1 and used_at is null");
        self.run(statement.bind(&token.0[..]).bind(at.unix_millis())).await.map(drop)
    }

    async fn extend_grant(&mut self, id: GrantId, ends_at: Timestamp) -> Result<(), Unavailable> {
        let statement = query("update grants set ends_at = $2 where id = $1");
        self.run(statement.bind(id.0).bind(ends_at.unix_millis())).await.map(drop)
    }

    async fn end_grant(&mut self, id: GrantId) -> Result<bool, Unavailable> {
        Ok(self.run(query("delete from grants where id = $1").bind(id.0)).await? == 1)
    }

    async fn end_grant_of_code(&mut self, code: &TokenHash, application: &ApplicationId) -> Result<bool, Unavailable> {
        let statement = query("delete from grants where code_hash = $1 and application_id = $2");
        Ok(self.run(statement.bind(&code.0[..]).bind(application.as_str())).await? == 1)
    }

    async fn end_grants(&mut self, user: UserId, application: Option<&ApplicationId>) -> Result<u64, Unavailable> {
        let statement = query("delete from grants where user_id = $1 and ($2 is null or application_id = $2)");
        self.run(statement.bind(user.0).bind(application.map(ApplicationId::as_str))).await
    }

    async fn end_access_token(&mut self, token: &TokenHash) -> Result<bool, Unavailable> {
        Ok(self.run(query("delete from access_tokens where token_hash = $1").bind(&token.0[..])).await? == 1)
    }

    async fn trim_grants(&mut self, user: UserId, application: &ApplicationId) -> Result<(), Unavailable> {
        let statement = query(
            "delete from grants where id in (select id from grants where user_id = $1 and application_id = $2 \
             order by ends_at desc, id limit 1000 offset $3)",
        );
        let statement = statement.bind(user.0).bind(application.as_str()).bind(i64::from(MAX_GRANTS));
        self.run(statement).await.map(drop)
    }
}
