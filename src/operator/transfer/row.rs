//! The rows of the file as JSON. Reading accepts only values that the program could read from the database.

use crate::server::jose::{Algorithm, PublicKey};
use crate::server::model::application::{Audience, RequiredMethod};
use crate::server::model::email_request::PurposeKind;
use crate::server::model::logo::LogoKind;
use crate::server::model::notification::Occasion;
use crate::server::model::oauth::client::is_client_id;
use crate::server::model::oauth::{ClaimRule, ConsentRule};
use crate::server::model::session::Method;
use crate::server::model::{AddedWith, ApplicationId, EventKind, GroupName, Role};
use crate::server::store::{Kind, Line, TABLES, Value};
use crate::types::{DisplayName, EmailAddress, Identifier, Language, Username};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// Every hash is a SHA-256 digest.
const HASH_BYTES: usize = 32;

#[derive(Serialize, Deserialize)]
pub struct Row {
    table: String,
    row: Map<String, Json>,
}

pub fn to_json(line: &Line) -> Row {
    let json = |value: &Value| match value {
        Value::Id(value) => value.map(|id| id.to_string().into()),
        Value::Bytes(value) => value.as_ref().map(|bytes| URL_SAFE_NO_PAD.encode(bytes).into()),
        Value::Text(value) => value.clone().map(Json::String),
        Value::Integer(value) => value.map(Json::from),
        Value::Boolean(value) => value.map(Json::Bool),
    };
    let cells = line.table.columns.iter().zip(&line.values);
    let row = cells.map(|(column, value)| (column.name.to_owned(), json(value).unwrap_or(Json::Null))).collect();
    Row { table: line.table.name.to_owned(), row }
}

pub fn from_json(mut row: Row) -> Result<Line, String> {
    let table = TABLES.iter().find(|table| table.name == row.table).ok_or("unknown table")?;
    let values = table.columns.iter().map(|column| {
        let value = row.row.remove(column.name).ok_or_else(|| format!("{} is missing", column.name))?;
        let fits = |value: &Value| fits(table.name, column.name, value);
        value_of(column.kind, &value).filter(fits).ok_or_else(|| format!("{} has an invalid value", column.name))
    });
    let values = values.collect::<Result<_, _>>()?;
    match row.row.keys().next() {
        Some(name) => Err(format!("there is no column {name}")),
        None => Ok(Line { table, values }),
    }
}

/// Whether the program could read this value from its column.
fn fits(table: &str, column: &str, value: &Value) -> bool {
    match value {
        Value::Bytes(Some(bytes)) if column.ends_with("_hash") => bytes.len() == HASH_BYTES,
        Value::Text(Some(text)) => text_fits(table, column, text),
        _ => true,
    }
}

fn text_fits(table: &str, column: &str, text: &str) -> bool {
    match (table, column) {
        (_, "username") => Username::parse(text).is_ok(),
        (_, "display_name" | "title") | ("passkeys" | "security_letters" | "applications", "name") => {
            DisplayName::parse(text).is_ok()
        }
        (_, "email" | "address") => EmailAddress::parse(text).is_ok(),
        (_, "language") => Language::parse(text).is_some(),
        ("events", "kind") => EventKind::parse(text).is_some(),
        (_, "occasion") => Occasion::parse(text).is_some(),
        (_, "added_with") => AddedWith::parse(text).is_some(),
        (_, "identifier") => Identifier::parse(text).is_ok(),
        ("sessions" | "grants", "method") => Method::NAMES.contains(&text),
        (_, "purpose") => PurposeKind::parse(text).is_some(),
        ("user_groups", "name") | (_, "group_name") => GroupName::parse(text).is_some(),
        ("applications", "id") | (_, "application_id") => ApplicationId::parse(text).is_some(),
        ("applications", "who") => [Audience::CLOSED, GroupName::EVERYBODY, "groups"].contains(&text),
        ("applications", "method") => RequiredMethod::parse(text).is_some(),
        (_, "media_type") => LogoKind::parse(text).is_some(),
        (_, "role") => Role::parse(text).is_some(),
        (_, "algorithm") => Algorithm::parse(text).is_some(),
        (_, "public_key") => serde_json::from_str::<PublicKey>(text).is_ok(),
        (_, "client_id") => is_client_id(text),
        (_, "consent") => ConsentRule::parse(text).is_some(),
        (_, "claim_rules") => ClaimRule::read(text).is_some(),
        _ => true,
    }
}

/// Converts JSON to a value of a column; `None` if it does not fit the column's kind.
fn value_of(kind: Kind, json: &Json) -> Option<Value> {
    let text = |read: fn(&str) -> Option<Value>| read(json.as_str()?);
    Some(match (kind, json) {
        (Kind::Id, Json::Null) => Value::Id(None),
        (Kind::Bytes, Json::Null) => Value::Bytes(None),
        (Kind::Text, Json::Null) => Value::Text(None),
        (Kind::Integer, Json::Null) => Value::Integer(None),
        (Kind::Boolean, Json::Null) => Value::Boolean(None),
        (Kind::Id, _) => text(|text| text.parse().ok().map(|id| Value::Id(Some(id))))?,
        (Kind::Bytes, _) => text(|text| URL_SAFE_NO_PAD.decode(text).ok().map(|bytes| Value::Bytes(Some(bytes))))?,
        (Kind::Text, _) => text(|text| Some(Value::Text(Some(text.to_owned()))))?,
        (Kind::Integer, _) => Value::Integer(Some(json.as_i64()?)),
        (Kind::Boolean, _) => Value::Boolean(Some(json.as_bool()?)),
    })
}
