//! Export to a file and import from it: a header, a line for each row, and a footer, without which the file is
//! incomplete.

mod passphrase;
mod row;

use super::atomic_file::AtomicFile;
use super::{Failure, restore, say};
use crate::bootstrap;
use crate::server::Unavailable;
use crate::server::clock::{Clock, SystemClock};
use crate::server::config::Config;
use crate::server::keys::Keys;
use crate::server::secret::SystemEntropy;
use crate::server::store::{Line, Store};
use passphrase::{Passphrase, PassphraseUse};
use row::{Row, from_json, to_json};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::path::Path;

/// Version of the file format.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    latchkey_export: u32,
    /// Schema version of the rows.
    schema: i64,
    made_at: String,
    rows: u64,
    /// Present if the keys are encrypted under a passphrase; otherwise they are under `SECRET_KEY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passphrase: Option<Passphrase>,
}

#[derive(Serialize, Deserialize)]
struct Footer {
    end: bool,
    rows: u64,
}

pub async fn export(path: &Path, passphrase_file: Option<&Path>, config: &Config) -> Result<(), Failure> {
    let store = bootstrap::open_existing_store(config).await?;
    let draft = AtomicFile::create(path)?;
    let text = passphrase::ask(passphrase_file, PassphraseUse::New)?;
    let passphrase = text.as_ref().map(|_| Passphrase::random(&SystemEntropy));
    let own = bootstrap::keys(config, &SystemEntropy)?;
    let under = text.as_ref().zip(passphrase.as_ref()).map(|(text, passphrase)| passphrase.keys(text));
    let about = |cause: std::io::Error| Failure::Message(format!("{}: {cause}", path.display()));
    let file = File::options().write(true).open(draft.path()).map_err(about)?;
    let sealing = under.as_ref().map(|under| (&own, under));
    let rows = write(file, &*store, passphrase, sealing).await?;
    draft.finish()?;
    say(&format!("exported {rows} rows to {}", path.display()));
    Ok(())
}

/// `sealing`: the keys that values are encrypted under now, and the keys to encrypt them under in the file.
async fn write(
    file: File,
    store: &dyn Store,
    passphrase: Option<Passphrase>,
    sealing: Option<(&Keys, &Keys)>,
) -> Result<u64, Failure> {
    let rows = store.count_rows().await?;
    let schema = store.schema_version().await?.unwrap_or_default();
    let mut out = BufWriter::new(file);
    line(
        &mut out,
        &Header { latchkey_export: FORMAT, schema, made_at: SystemClock.now().to_rfc3339(), rows, passphrase },
    )?;
    let mut progress = Progress::new(rows);
    let written = store
        .export_rows(&mut |mut row| {
            progress.one_more();
            if let Some((from, to)) = sealing {
                passphrase::reseal(&mut row, from, to)?;
            }
            line(&mut out, &to_json(&row)).map_err(|cause| Unavailable::new("file", cause))
        })
        .await?;
    line(&mut out, &Footer { end: true, rows: written })?;
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(written)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

pub async fn import(path: &Path, passphrase_file: Option<&Path>, config: &Config) -> Result<(), Failure> {
    let file = File::open(path).map_err(|cause| Failure::Message(format!("{}: {cause}", path.display())))?;
    let mut lines = BufReader::new(file).lines();
    let strange = || Failure::Message(format!("{} is not a latchkey export", path.display()));
    let head = lines.next().ok_or_else(strange)?.map_err(|_| strange())?;
    let head: Header = serde_json::from_str(&head).map_err(|_| strange())?;
    if head.latchkey_export != FORMAT {
        return Err(Failure::Message(format!("{} was written by another version of latchkey", path.display())));
    }
    if head.passphrase.is_none() && passphrase_file.is_some() {
        return Err(Failure::Message("the file was exported without a passphrase; omit --passphrase-file".to_owned()));
    }
    let under = head.passphrase.as_ref().map(|passphrase| passphrase.ask_keys(passphrase_file)).transpose()?;
    // A database with data is refused before its schema is migrated.
    if bootstrap::has_schema(&config.database).await?
        && bootstrap::open_existing_store(config).await?.count_rows().await? > 0
    {
        return Err(Failure::Message("the database is not empty; import into a new one".to_owned()));
    }
    let store = bootstrap::open_store(&config.database).await?;
    let own = store.schema_version().await?.unwrap_or_default();
    if head.schema != own {
        let (theirs, why) = (head.schema, "export again with this version of latchkey, or import with that one");
        return Err(Failure::Message(format!(
            "the file has schema version {theirs}, the database version {own}: {why}"
        )));
    }
    let own = bootstrap::keys(config, &SystemEntropy)?;
    let mut is_under_another = false;
    let mut progress = Progress::new(head.rows);
    let mut reader = Reader { lines, read: 0, announced: head.rows, is_whole: false };
    let imported = store
        .import_rows(&mut || {
            progress.one_more();
            let mut row = reader
                .next()
                .map_err(|cause| Unavailable::new("file", format!("line {}: {cause}", reader.read + 2)))?;
            match (&mut row, &under) {
                (Some(row), Some(under)) => passphrase::reseal(row, under, &own)?,
                (Some(row), None) => is_under_another |= !passphrase::can_decrypt(row, &own),
                (None, _) => {}
            }
            Ok(row)
        })
        .await?;
    say(&format!("imported {imported} rows from {}", path.display()));
    // The file may be older than the last sign-out.
    restore::end_sessions_and_emails(&*store, config).await?;
    say(restore::MANUAL_CHECKS);
    if is_under_another {
        say(
            "SECRET_KEY cannot decrypt the imported signing keys, so the server will not start: set SECRET_KEY_PREVIOUS to the \
             key that they were exported under, or run `latchkey signing-keys rotate --force`",
        );
    }
    say("signing keys revoked after the export are active again; revoke them with `latchkey signing-keys revoke KID`");
    Ok(())
}

/// Reads rows up to the footer; a file without a footer was truncated.
struct Reader {
    lines: Lines<BufReader<File>>,
    read: u64,
    /// Number of rows that the header states.
    announced: u64,
    is_whole: bool,
}

impl Reader {
    fn next(&mut self) -> Result<Option<Line>, String> {
        if self.is_whole {
            return Ok(None);
        }
        let text = self.lines.next().ok_or("the file is truncated: its last line is missing")?;
        let text = text.map_err(|cause| cause.to_string())?;
        if let Ok(Footer { end: true, rows }) = serde_json::from_str(&text) {
            self.is_whole = rows == self.read && rows == self.announced && self.lines.next().is_none();
            return if self.is_whole {
                Ok(None)
            } else {
                Err("the number of rows differs from the one that the file states".to_owned())
            };
        }
        let row: Row = serde_json::from_str(&text).map_err(|_| "invalid row")?;
        self.read += 1;
        from_json(row).map(Some)
    }
}

/// Progress in rows, reported now and then, since large databases take minutes.
struct Progress {
    done: u64,
    all: u64,
}

impl Progress {
    /// Number of rows between two reports.
    const EVERY: u64 = 250_000;

    fn new(all: u64) -> Self {
        Self { done: 0, all }
    }

    fn one_more(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(Self::EVERY) {
            say(&format!("{} of {} rows", self.done, self.all));
        }
    }
}
