use super::atomic_file::AtomicFile;
use super::{Failure, say};
use crate::server::config::{Config, DatabaseUrl};
use crate::server::store::sqlite;
use std::path::Path;

pub async fn run(copy: &Path, config: &Config) -> Result<(), Failure> {
    let DatabaseUrl::Sqlite(file) = &config.database else {
        return Err(Failure::Message("this command is for SQLite; use pg_dump for PostgreSQL".to_owned()));
    };
    if !file.exists() {
        return Err(Failure::Message(format!("the database {} does not exist yet", file.display())));
    }
    let draft = AtomicFile::create(copy)?;
    sqlite::back_up(file, draft.path()).await?;
    draft.finish()?;
    say(&format!("copied {} to {}", file.display(), copy.display()));
    Ok(())
}
