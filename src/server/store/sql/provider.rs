use super::application::application;
use super::grant::active_grant;
use super::oauth_client::{client, secret};
use super::passkey::passkey;
use super::row::{DatabaseRow, get, groups, time};
use super::session::session;
use super::{SqlStore, Statement, user};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::oauth::client::is_client_id;
use crate::server::model::oauth::{IssuedToken, Scopes};
use crate::server::model::{Application, ApplicationId, SessionId, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{
    ClientWithSecrets, ClientWithSession, ProviderReads, SessionFacts, UserFacts, ValidAccessToken,
};
use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

/// Reads a client (as `c`) with its application (as `a`), a session and the consent of its user.
macro_rules! select_client {
    () => {
        concat!(
            "select ",
            client_columns!("c."),
            ", ",
            aliased_application!(),
            ", ",
            session_fact_columns!(),
            ", ",
            consent_column!()
        )
    };
}

/// The facts about a user from their rows ([`fact_columns`]), which may repeat.
fn facts(rows: &[DatabaseRow]) -> Result<UserFacts, Unavailable> {
    let Some(first) = rows.first() else { return Ok(UserFacts::default()) };
    let groups = groups(first, "user_groups")?;
    if get::<Option<Uuid>>(first, "passkey_user_id")?.is_none() {
        return Ok(UserFacts { passkeys: Vec::new(), groups });
    }
    let mut passkeys = rows.iter().map(passkey).collect::<Result<Vec<_>, _>>()?;
    passkeys
        .sort_by(|a, b| (a.created_at, a.credential_id.as_bytes()).cmp(&(b.created_at, b.credential_id.as_bytes())));
    passkeys.dedup_by(|a, b| a.credential_id == b.credential_id);
    Ok(UserFacts { passkeys, groups })
}

/// A session from its rows ([`session_fact_columns`]); `None` if there is none.
fn session_facts(rows: &[DatabaseRow]) -> Result<Option<SessionFacts>, Unavailable> {
    let Some(first) = rows.first() else { return Ok(None) };
    if get::<Option<Uuid>>(first, "of_user")?.is_none() {
        return Ok(None);
    }
    Ok(Some(SessionFacts { session: session(first)?, user: user::user(first)?, facts: facts(rows)? }))
}

fn consent(row: &DatabaseRow) -> Result<Option<Scopes>, Unavailable> {
    Ok(get::<Option<&str>>(row, "allowed_scopes")?.map(Scopes::parse))
}

impl SqlStore {
    /// Reads all rows, for frequent queries.
    async fn look_up_all<'q>(&self, statement: impl Fn() -> Statement<'q>) -> Result<Vec<DatabaseRow>, Unavailable> {
        self.pools.cache.look_up_all(statement).await.map_err(|cause| self.failed(cause))
    }
}

#[async_trait]
impl ProviderReads for SqlStore {
    async fn application_for(
        &self,
        id: &ApplicationId,
        user: UserId,
    ) -> Result<Option<(Application, UserFacts)>, Unavailable> {
        const TEXT: &str = concat!(
            "select ",
            aliased_application!(),
            ", ",
            fact_columns!(),
            " from applications a cross join users u left join passkeys p on p.user_id = u.id where a.id = $1 and u.id = $2"
        );
        let rows = self.look_up_all(|| query(TEXT).bind(id.as_str()).bind(user.0)).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        Ok(Some((application(first)?, facts(&rows)?)))
    }

    async fn client_by_id(
        &self,
        client_id: &str,
        session: Option<&TokenHash>,
    ) -> Result<Option<ClientWithSession>, Unavailable> {
        const TEXT: &str = concat!(
            select_client!(),
            " from oauth_clients c join applications a on a.id = c.application_id left join sessions s on s.token_hash = $2",
            session_fact_joins!(),
            " where c.client_id = $1"
        );
        // PostgreSQL rejects some strings, such as those with NUL.
        if !is_client_id(client_id) {
            return Ok(None);
        }
        let rows = self.look_up_all(|| query(TEXT).bind(client_id).bind(session.map(|hash| &hash.0[..]))).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        Ok(Some(ClientWithSession {
            application: application(first)?,
            client: client(first)?,
            session: session_facts(&rows)?,
            consent: consent(first)?,
        }))
    }

    async fn client_with_secrets(
        &self,
        client_id: &str,
        session: Option<SessionId>,
    ) -> Result<Option<ClientWithSecrets>, Unavailable> {
        const TEXT: &str = concat!(
            select_client!(),
            ", ",
            client_secret_columns!("k." as "secret_"),
            " from oauth_clients c join applications a on a.id = c.application_id \
             left join client_secrets k on k.application_id = a.id left join sessions s on s.id = $2",
            session_fact_joins!(),
            " where c.client_id = $1"
        );
        if !is_client_id(client_id) {
            return Ok(None);
        }
        let rows = self.look_up_all(|| query(TEXT).bind(client_id).bind(session.map(|session| session.0))).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        // Secrets and passkeys are joined in one statement, so each may appear several times.
        let mut secrets = match get::<Option<&[u8]>>(first, "secret_secret_hash")? {
            Some(_) => rows.iter().map(secret).collect::<Result<Vec<_>, _>>()?,
            None => Vec::new(),
        };
        secrets.sort_by_key(|secret| (secret.created_at, secret.hash.0));
        secrets.dedup_by(|a, b| a.hash == b.hash);
        Ok(Some(ClientWithSecrets {
            application: application(first)?,
            client: client(first)?,
            secrets,
            session: session_facts(&rows)?,
            consent: consent(first)?,
        }))
    }

    async fn access_token(&self, token: &TokenHash, now: Timestamp) -> Result<Option<ValidAccessToken>, Unavailable> {
        const TEXT: &str = concat!(
            "select ",
            active_grant_columns!(),
            ", t.scopes as token_scopes, t.created_at as token_created_at, t.expires_at as token_expires_at, ",
            client_columns!("c."),
            ", ",
            aliased_application!(),
            ", ",
            fact_columns!(),
            from_active_grants!("access_tokens"),
            " join applications a on a.id = g.application_id join oauth_clients c on c.application_id = a.id \
             left join passkeys p on p.user_id = u.id where t.expires_at > $2 and ",
            is_active_grant!()
        );
        let rows = self.look_up_all(|| query(TEXT).bind(&token.0[..]).bind(now.unix_millis())).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let token = IssuedToken {
            hash: *token,
            scopes: Scopes::parse(get(first, "token_scopes")?),
            created_at: time(first, "token_created_at")?,
            expires_at: time(first, "token_expires_at")?,
        };
        Ok(Some(ValidAccessToken {
            active_grant: active_grant(first)?,
            token,
            application: application(first)?,
            client: client(first)?,
            facts: facts(&rows)?,
        }))
    }
}
