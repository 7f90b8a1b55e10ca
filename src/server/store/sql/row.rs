//! Converts columns to values. A row that does not parse was not written by this program: it is reported as an outage.

use super::super::dialect::Database;
use super::unavailable;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{ApplicationId, Client, GroupName, UserId};
use crate::server::secret::TokenHash;
use crate::types::{EmailAddress, Language};
use sqlx::{ColumnIndex, Database as _, Decode, Row, Type};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

pub type DatabaseRow = <Database as sqlx::Database>::Row;

pub fn get<'r, T>(row: &'r DatabaseRow, column: &'static str) -> Result<T, Unavailable>
where
    T: Decode<'r, Database> + Type<Database>,
    &'static str: ColumnIndex<DatabaseRow>,
{
    row.try_get(column).map_err(unavailable)
}

/// The value of a column that is never null.
pub fn required<'r, T>(row: &'r DatabaseRow, column: &'static str) -> Result<T, Unavailable>
where
    Option<T>: Decode<'r, Database> + Type<Database>,
{
    get::<Option<T>>(row, column)?.ok_or_else(|| invalid(column))
}

pub fn invalid(column: &'static str) -> Unavailable {
    Unavailable::new("database", format!("{} column {column} has an invalid value", Database::NAME))
}

pub fn time(row: &DatabaseRow, column: &'static str) -> Result<Timestamp, Unavailable> {
    get(row, column).map(Timestamp::from_unix_millis)
}

pub fn maybe_time(row: &DatabaseRow, column: &'static str) -> Result<Option<Timestamp>, Unavailable> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_unix_millis))
}

pub fn get_u32(row: &DatabaseRow, column: &'static str) -> Result<u32, Unavailable> {
    u32::try_from(get::<i64>(row, column)?).map_err(|_| invalid(column))
}

pub fn maybe_user(row: &DatabaseRow, column: &'static str) -> Result<Option<UserId>, Unavailable> {
    Ok(get::<Option<Uuid>>(row, column)?.map(UserId))
}

pub fn hash(row: &DatabaseRow, column: &'static str) -> Result<TokenHash, Unavailable> {
    get::<&[u8]>(row, column)?.try_into().map(TokenHash).map_err(|_| invalid(column))
}

pub fn maybe_hash(row: &DatabaseRow, column: &'static str) -> Result<Option<TokenHash>, Unavailable> {
    let bytes = get::<Option<&[u8]>>(row, column)?.map(TryInto::try_into).transpose().map_err(|_| invalid(column))?;
    Ok(bytes.map(TokenHash))
}

pub fn maybe_address(row: &DatabaseRow, column: &'static str) -> Result<Option<EmailAddress>, Unavailable> {
    let address = get::<Option<&str>>(row, column)?.map(EmailAddress::parse);
    address.transpose().map_err(|_| invalid(column))
}

pub fn language(row: &DatabaseRow, column: &'static str) -> Result<Language, Unavailable> {
    Language::parse(get(row, column)?).ok_or_else(|| invalid(column))
}

pub fn client(row: &DatabaseRow) -> Result<Client, Unavailable> {
    Ok(Client { browser: get(row, "browser")?, system: get(row, "system")? })
}

/// A duration, as its column stores it.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Group names that `string_agg` joined with spaces.
pub fn groups(row: &DatabaseRow, column: &'static str) -> Result<BTreeSet<GroupName>, Unavailable> {
    let names = get::<Option<&str>>(row, column)?.unwrap_or_default().split_whitespace();
    names.map(|name| GroupName::parse(name).ok_or_else(|| invalid(column))).collect()
}

/// Reads the column `application_id`.
pub fn application_id(row: &DatabaseRow) -> Result<ApplicationId, Unavailable> {
    ApplicationId::parse(get(row, "application_id")?).ok_or_else(|| invalid("application_id"))
}
