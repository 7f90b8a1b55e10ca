use super::error_message;
use crate::server::Unavailable;
use sqlx::migrate::{MigrateError, Migrator};

/// Checks that a database has the schema of this program.
///
/// # Errors
/// A message for the administrator when the schema is different or missing.
pub fn check_schema(found: &[i64], own: &Migrator) -> Result<(), Unavailable> {
    let own: Vec<_> = own.iter().map(|migration| migration.version).collect();
    match found.iter().find(|version| !own.contains(version)) {
        Some(unknown) => Err(schema(MigrateError::VersionMissing(*unknown))),
        None if found.len() == own.len() => Ok(()),
        None => Err(Unavailable::new(
            "database schema",
            "it is older than this program; run `latchkey migrate` to update it",
        )),
    }
}

/// Converts a migration error to a message that tells the administrator what to do, where possible.
pub fn schema(cause: MigrateError) -> Unavailable {
    match cause {
        MigrateError::VersionMissing(version) => Unavailable::new(
            "database schema",
            format!(
                "a newer version of latchkey has changed it (migration {version}); start that version, or restore the \
                 backup made before the upgrade"
            ),
        ),
        MigrateError::VersionMismatch(version) => Unavailable::new(
            "database schema",
            format!("migration {version} was made by a different program; restore a backup"),
        ),
        MigrateError::Execute(cause) => Unavailable::new("database schema", error_message(&cause)),
        MigrateError::ExecuteMigration(cause, version) => {
            Unavailable::new("database schema", format!("migration {version}: {}", error_message(&cause)))
        }
        cause => Unavailable::new("database schema", cause),
    }
}
