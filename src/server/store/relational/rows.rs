//! Rows into values. A row that does not parse was not written by this program: an outage with its cause, not a guess.

use super::super::Database;
use super::unavailable;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::session::Method;
use crate::server::model::{CredentialId, Passkey, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use crate::types::{DisplayName, EmailAddress, Username, views};
use sqlx::{ColumnIndex, Database as _, Decode, Row, Type};
use std::time::Duration;

type DatabaseRow = <Database as sqlx::Database>::Row;

fn get<'r, T>(row: &'r DatabaseRow, column: &'static str) -> Result<T, Unavailable>
where
    T: Decode<'r, Database> + Type<Database>,
    &'static str: ColumnIndex<DatabaseRow>,
{
    row.try_get(column).map_err(unavailable)
}

fn broken(column: &'static str) -> Unavailable {
    Unavailable::new("database", format!("{} column {column} holds what it cannot hold", Database::NAME))
}

fn time(row: &DatabaseRow, column: &'static str) -> Result<Timestamp, Unavailable> {
    get(row, column).map(Timestamp::from_unix_millis)
}

/// Reads the owner from columns named as in the queries of this module.
pub fn user(row: &DatabaseRow) -> Result<User, Unavailable> {
    let email = get::<Option<&str>>(row, "email")?.map(EmailAddress::parse);
    Ok(User {
        id: UserId(get(row, "user_id")?),
        username: Username::parse(get(row, "username")?).map_err(|_| broken("username"))?,
        display_name: DisplayName::parse(get(row, "display_name")?).map_err(|_| broken("display_name"))?,
        email: email.transpose().map_err(|_| broken("email"))?,
        email_verified: get(row, "email_verified")?,
        created_at: time(row, "user_created_at")?,
    })
}

pub fn passkey(credential_id: CredentialId, row: &DatabaseRow) -> Result<Passkey, Unavailable> {
    Ok(Passkey {
        credential_id,
        user_id: UserId(get(row, "user_id")?),
        rp_id: get(row, "rp_id")?,
        record: get(row, "record")?,
        record_version: get(row, "record_version")?,
        aaguid: get(row, "aaguid")?,
        transports: get(row, "transports")?,
        backup_eligible: get(row, "backup_eligible")?,
        backed_up: get(row, "backed_up")?,
        sign_count: u32::try_from(get::<i64>(row, "sign_count")?).map_err(|_| broken("sign_count"))?,
        created_at: time(row, "passkey_created_at")?,
        last_used_at: get::<Option<i64>>(row, "last_used_at")?.map(Timestamp::from_unix_millis),
    })
}

pub fn session(token_hash: TokenHash, row: &DatabaseRow) -> Result<Session, Unavailable> {
    let credential_id = get::<Option<Vec<u8>>>(row, "credential_id")?.and_then(CredentialId::new);
    let method = match (get::<&str>(row, "method")?, credential_id) {
        ("passkey", Some(id)) => Method::Passkey(id),
        _ => return Err(broken("method")),
    };
    let idle = u64::try_from(get::<i64>(row, "idle_millis")?).map_err(|_| broken("idle_millis"))?;
    Ok(Session {
        id: SessionId(get(row, "id")?),
        user_id: UserId(get(row, "user_id")?),
        token_hash,
        method,
        user_verified: get(row, "user_verified")?,
        authenticated_at: time(row, "authenticated_at")?,
        created_at: time(row, "session_created_at")?,
        last_seen_at: time(row, "last_seen_at")?,
        ends_at: time(row, "ends_at")?,
        idle: Duration::from_millis(idle),
        client: views::Client { browser: get(row, "browser")?, system: get(row, "system")? },
    })
}
