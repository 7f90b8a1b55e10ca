//! From one database to another by way of a file: a head, a line for each row, and a foot without which it is not whole.

use super::draft::Draft;
use super::{Failure, restore, say};
use crate::bootstrap;
use crate::server::Unavailable;
use crate::server::clock::{Clock, SystemClock};
use crate::server::config::Config;
use crate::server::model::email_request::PurposeKind;
use crate::server::model::notification::Occasion;
use crate::server::model::session::Method;
use crate::server::model::{AddedWith, EventKind};
use crate::server::store::{Kind, Line, Store, TABLES, Value};
use crate::types::{DisplayName, EmailAddress, Identifier, Language, Username};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use serde_json::Value as Json;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::path::Path;

/// The shape of the file.
const FORMAT: u32 = 1;
/// Every hash is one of SHA-256.
const HASH_BYTES: usize = 32;

#[derive(Serialize, Deserialize)]
struct Head {
    latchkey_export: u32,
    /// Version of the schema that the rows have.
    schema: i64,
    made_at: String,
    rows: u64,
}

#[derive(Serialize, Deserialize)]
struct Row {
    table: String,
    row: Map<String, Json>,
}

#[derive(Serialize, Deserialize)]
struct Foot {
    end: bool,
    rows: u64,
}

pub async fn export(path: &Path, config: &Config) -> Result<(), Failure> {
    let store = bootstrap::join_store(config).await?;
    let draft = Draft::of(path)?;
    let about = |cause: std::io::Error| Failure::Told(format!("{}: {cause}", path.display()));
    let file = File::options().write(true).open(draft.path()).map_err(about)?;
    let rows = write(file, &*store).await?;
    draft.finish()?;
    say(&format!("{} holds {rows} rows", path.display()));
    Ok(())
}

async fn write(file: File, store: &dyn Store) -> Result<u64, Failure> {
    let rows = store.count_rows().await?;
    let schema = store.schema_version().await?.unwrap_or_default();
    let mut out = BufWriter::new(file);
    line(&mut out, &Head { latchkey_export: FORMAT, schema, made_at: SystemClock.now().to_rfc3339(), rows })?;
    let mut progress = Progress::of(rows);
    let written = store
        .hand_out(&mut |row| {
            progress.one_more();
            line(&mut out, &to_json(&row)).map_err(|cause| Unavailable::new("file", cause))
        })
        .await?;
    line(&mut out, &Foot { end: true, rows: written })?;
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(written)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

pub async fn import(path: &Path, config: &Config) -> Result<(), Failure> {
    let file = File::open(path).map_err(|cause| Failure::Told(format!("{}: {cause}", path.display())))?;
    let mut lines = BufReader::new(file).lines();
    let strange = || Failure::Told(format!("{} is not what `latchkey export` writes", path.display()));
    let head = lines.next().ok_or_else(strange)?.map_err(|_| strange())?;
    let head: Head = serde_json::from_str(&head).map_err(|_| strange())?;
    if head.latchkey_export != FORMAT {
        return Err(Failure::Told(format!("{} was written by another version of latchkey", path.display())));
    }
    // A database that is in use is not even brought up to date.
    if bootstrap::has_schema(&config.database).await? && bootstrap::join_store(config).await?.count_rows().await? > 0 {
        return Err(Failure::Told("the database is not empty; import into a new one".to_owned()));
    }
    let store = bootstrap::open_store(&config.database).await?;
    let own = store.schema_version().await?.unwrap_or_default();
    if head.schema != own {
        let (theirs, why) = (head.schema, "export it with this version of latchkey, or import it with that one");
        return Err(Failure::Told(format!("the file has version {theirs} of the schema, the database {own}: {why}")));
    }
    let mut progress = Progress::of(head.rows);
    let mut reader = Reader { lines, read: 0, announced: head.rows, is_whole: false };
    let taken = store
        .take_in(&mut || {
            progress.one_more();
            reader.next().map_err(|cause| Unavailable::new("file", format!("line {}: {cause}", reader.read + 2)))
        })
        .await?;
    say(&format!("{taken} rows were taken in from {}", path.display()));
    // The file may be older than the last sign-out.
    restore::end_what_is_open(&*store, config).await?;
    say(restore::TO_CHECK);
    Ok(())
}

/// Reads rows until the foot; a file that ends without one was cut.
struct Reader {
    lines: Lines<BufReader<File>>,
    read: u64,
    /// How many rows its head promises.
    announced: u64,
    is_whole: bool,
}

impl Reader {
    fn next(&mut self) -> Result<Option<Line>, String> {
        if self.is_whole {
            return Ok(None);
        }
        let text = self.lines.next().ok_or("the file is cut: its last line is missing")?;
        let text = text.map_err(|cause| cause.to_string())?;
        if let Ok(Foot { end: true, rows }) = serde_json::from_str(&text) {
            self.is_whole = rows == self.read && rows == self.announced && self.lines.next().is_none();
            return if self.is_whole { Ok(None) } else { Err("there are more or fewer rows than it says".to_owned()) };
        }
        let row: Row = serde_json::from_str(&text).map_err(|_| "this is no row")?;
        self.read += 1;
        from_json(row).map(Some)
    }
}

fn to_json(line: &Line) -> Row {
    let json = |value: &Value| match value {
        Value::Id(value) => value.map(|id| id.to_string().into()),
        Value::Bytes(value) => value.as_ref().map(|bytes| URL_SAFE_NO_PAD.encode(bytes).into()),
        Value::Text(value) => value.clone().map(Json::String),
        Value::Whole(value) => value.map(Json::from),
        Value::Truth(value) => value.map(Json::Bool),
    };
    let named = line.table.columns.iter().zip(&line.values);
    let row = named.map(|(column, value)| (column.name.to_owned(), json(value).unwrap_or(Json::Null))).collect();
    Row { table: line.table.name.to_owned(), row }
}

fn from_json(mut row: Row) -> Result<Line, String> {
    let table = TABLES.iter().find(|table| table.name == row.table).ok_or("there is no such table")?;
    let values = table.columns.iter().map(|column| {
        let value = row.row.remove(column.name).ok_or_else(|| format!("{} is missing", column.name))?;
        let fits = |value: &Value| fits(table.name, column.name, value);
        value_of(column.kind, &value).filter(fits).ok_or_else(|| format!("{} holds what it cannot hold", column.name))
    });
    let values = values.collect::<Result<_, _>>()?;
    match row.row.keys().next() {
        Some(name) => Err(format!("there is no column {name}")),
        None => Ok(Line { table, values }),
    }
}

/// Whether the program could read a value back from its column.
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
        (_, "display_name") | ("passkeys" | "security_letters", "name") => DisplayName::parse(text).is_ok(),
        (_, "email" | "address") => EmailAddress::parse(text).is_ok(),
        (_, "language") => Language::parse(text).is_some(),
        ("events", "kind") => EventKind::parse(text).is_some(),
        (_, "occasion") => Occasion::parse(text).is_some(),
        (_, "added_with") => AddedWith::parse(text).is_some(),
        (_, "identifier") => Identifier::parse(text).is_ok(),
        ("sessions", "method") => Method::NAMES.contains(&text),
        (_, "purpose") => PurposeKind::parse(text).is_some(),
        _ => true,
    }
}

/// The value that a column of this kind holds; `None` where it cannot.
fn value_of(kind: Kind, json: &Json) -> Option<Value> {
    let text = |read: fn(&str) -> Option<Value>| read(json.as_str()?);
    Some(match (kind, json) {
        (Kind::Id, Json::Null) => Value::Id(None),
        (Kind::Bytes, Json::Null) => Value::Bytes(None),
        (Kind::Text, Json::Null) => Value::Text(None),
        (Kind::Whole, Json::Null) => Value::Whole(None),
        (Kind::Truth, Json::Null) => Value::Truth(None),
        (Kind::Id, _) => text(|text| text.parse().ok().map(|id| Value::Id(Some(id))))?,
        (Kind::Bytes, _) => text(|text| URL_SAFE_NO_PAD.decode(text).ok().map(|bytes| Value::Bytes(Some(bytes))))?,
        (Kind::Text, _) => text(|text| Some(Value::Text(Some(text.to_owned()))))?,
        (Kind::Whole, _) => Value::Whole(Some(json.as_i64()?)),
        (Kind::Truth, _) => Value::Truth(Some(json.as_bool()?)),
    })
}

/// Rows so far, of all there are: told now and then, since large databases take minutes.
struct Progress {
    done: u64,
    all: u64,
}

impl Progress {
    /// After how many rows it is told again.
    const EVERY: u64 = 250_000;

    fn of(all: u64) -> Self {
        Self { done: 0, all }
    }

    fn one_more(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(Self::EVERY) {
            say(&format!("{} of {} rows", self.done, self.all));
        }
    }
}
