use crate::server::Unavailable;
use sqlx::migrate::MigrateError;

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
