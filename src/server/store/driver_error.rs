/// The driver's error message, without the PostgreSQL source line that it adds, and with the error code that the
/// server's documentation explains.
pub fn error_message(cause: &sqlx::Error) -> String {
    match cause.as_database_error() {
        Some(database) => match database.code() {
            Some(code) => format!("{} ({code})", database.message()),
            None => database.message().to_owned(),
        },
        None => without_source_location(cause.to_string()),
    }
}

/// Removes the location in the driver's source code that the driver adds to a protocol error.
fn without_source_location(mut sentence: String) -> String {
    if let Some(place) = sentence.find(" (sqlx") {
        sentence.truncate(place);
    }
    sentence
}
