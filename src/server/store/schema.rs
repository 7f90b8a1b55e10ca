use crate::server::Unavailable;
use sqlx::migrate::MigrateError;

/// Whether a database has the schema of this program.
///
/// # Errors
/// In words for the operator, when it has another or none.
pub fn check_schema(found: Option<i64>, own: Option<i64>) -> Result<(), Unavailable> {
    match (found, own) {
        (found, own) if found == own => Ok(()),
        (Some(found), Some(own)) if found > own => Err(schema(MigrateError::VersionMissing(found))),
        _ => Err(Unavailable::new(
            "database schema",
            "it is older than this program; bring it up to date with `latchkey migrate`",
        )),
    }
}

/// Why the schema cannot be used, in words for the operator where there is something to do.
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
            format!("migration {version} was made by a program that is not this one; restore a backup"),
        ),
        cause => Unavailable::new("database schema", cause),
    }
}
