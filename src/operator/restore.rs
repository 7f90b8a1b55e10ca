//! `latchkey restore`: restores a backup without the sessions and pending emails in it.

use super::atomic_file::{io_failure, sync_folder_of};
use super::{Failure, say};
use crate::bootstrap;
use crate::server::clock::{Clock, SystemClock};
use crate::server::config::{Config, DatabaseUrl};
use crate::server::store::{Maintenance, Store, sqlite};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The checks that an administrator has to make, since a backup does not contain later changes.
pub(super) const MANUAL_CHECKS: &str = "check what changed after the backup was made: passkeys removed since then are \
     accepted again, recovery codes used since then work again, accounts deleted or disabled since then are active \
     again, usernames and email addresses have their earlier values, invitations revoked since then are valid again, \
     and \"This wasn't me\" links used since then work again; `latchkey users show USER` lists an account's passkeys";

pub async fn run(copy: Option<&Path>, config: &Config) -> Result<(), Failure> {
    match (copy, &config.database) {
        (Some(copy), DatabaseUrl::Sqlite(database)) => replace_database(copy, database, config).await?,
        (Some(_), DatabaseUrl::Postgres(_)) => {
            let sentence = "for PostgreSQL, use pg_restore; then run `latchkey restore` without a file";
            return Err(Failure::Message(sentence.to_owned()));
        }
        (None, _) => {
            if !bootstrap::has_schema(&config.database).await? {
                return Err(Failure::Message("the database is empty; restore its backup first".to_owned()));
            }
            if let DatabaseUrl::Sqlite(file) = &config.database
                && sqlite::is_in_use(file).await
            {
                return Err(in_use(file));
            }
            let store = bootstrap::open_store(&config.database).await?;
            end_sessions_and_emails(&*store, config).await?;
            replace_signing_keys(&*store).await?;
        }
    }
    say(MANUAL_CHECKS);
    Ok(())
}

/// Ends all sessions, voids pending emails and ceremonies, and reports the number of sessions.
pub(super) async fn end_sessions_and_emails(store: &dyn Store, config: &Config) -> Result<(), Failure> {
    let sessions = store.revoke_all_access(SystemClock.now()).await?;
    say(&format!("sessions ended: {sessions}; pending sign-in emails and the mail queue were removed"));
    match bootstrap::forget_ceremonies(config).await {
        Ok(true) => {}
        Ok(false) => say("Redis is a cluster: pending ceremonies expire within 5 minutes"),
        Err(cause) => say(&format!("{cause}; pending ceremonies expire within 5 minutes")),
    }
    Ok(())
}

/// Removes the signing keys, since one may have been revoked after the backup. The next start creates new ones.
async fn replace_signing_keys(store: &dyn Store) -> Result<(), Failure> {
    store.remove_signing_keys().await?;
    say("the next start creates new signing keys; applications fetch them automatically");
    Ok(())
}

/// Replaces the database with a copy that has no sessions or pending emails. Does not touch the database until the copy
/// is complete.
async fn replace_database(copy: &Path, database: &Path, config: &Config) -> Result<(), Failure> {
    let aside = sqlite::sibling_path(database, ".before-restore");
    if aside.symlink_metadata().is_ok() {
        return Err(Failure::Message(format!("{} already exists; move it away first", aside.display())));
    }
    if !copy.is_file() {
        return Err(Failure::Message(format!("{}: no such file", copy.display())));
    }
    if copy.canonicalize().is_ok_and(|copy| database.canonicalize().is_ok_and(|database| copy == database)) {
        return Err(Failure::Message(format!("{} is the database itself; choose a copy", copy.display())));
    }
    let versions = sqlite::look(copy).await?.schema_versions().await?;
    let known = sqlite::migration_versions();
    if versions.is_empty() {
        return Err(Failure::Message(format!("{} is not a latchkey backup", copy.display())));
    }
    if let Some(newer) = versions.iter().find(|version| !known.contains(version)) {
        let sentence = format!("{} was created by a newer version of latchkey (migration {newer})", copy.display());
        return Err(Failure::Message(sentence));
    }
    bootstrap::create_folder(database.parent())?;
    let _lock = sqlite::acquire_lock_file(database).await?;
    if database.exists() && sqlite::is_in_use(database).await {
        return Err(in_use(database));
    }
    let folder = TempFolder::make(sqlite::sibling_path(database, ".restoring"))?;
    let file = folder.0.join("latchkey.db");
    sqlite::make_private(&file)?;
    sqlite::back_up(copy, &file).await?;
    let store = bootstrap::open_store(&DatabaseUrl::Sqlite(file.clone())).await?;
    end_sessions_and_emails(&*store, config).await?;
    replace_signing_keys(&*store).await?;
    store.close().await;
    drop(store);
    sqlite::merge_log(&file).await?;
    fs::File::open(&file).and_then(|file| file.sync_all()).map_err(|cause| io_failure(&file, &cause))?;
    if database.exists() {
        // A hard link, so that the database never lacks its name. Some file systems do not support links.
        let kept = fs::hard_link(database, &aside).or_else(|_| fs::copy(database, &aside).map(drop));
        kept.map_err(|cause| io_failure(&aside, &cause))?;
        say(&format!("the previous database was saved as {}", aside.display()));
    }
    // SQLite would apply the old write-ahead log to the restored file.
    for ending in ["-wal", "-shm", "-journal"] {
        match fs::rename(sqlite::sibling_path(database, ending), sqlite::sibling_path(&aside, ending)) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Err(io_failure(&sqlite::sibling_path(database, ending), &cause));
            }
            _ => {}
        }
    }
    fs::rename(&file, database).map_err(|cause| io_failure(database, &cause))?;
    sync_folder_of(database)?;
    say(&format!("restored {} from {}", database.display(), copy.display()));
    Ok(())
}

fn in_use(database: &Path) -> Failure {
    Failure::Message(format!("{} is in use; stop the server first", database.display()))
}

/// A temporary folder, removed with its contents on drop.
struct TempFolder(PathBuf);

impl TempFolder {
    /// The caller holds the database's lock, so an existing folder was left behind by an interrupted command.
    fn make(folder: PathBuf) -> Result<Self, Failure> {
        match fs::remove_dir_all(&folder) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(io_failure(&folder, &cause)),
            _ => {}
        }
        bootstrap::create_folder(Some(&folder))?;
        Ok(Self(folder))
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
