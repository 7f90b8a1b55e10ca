/// The message of the driver, without the line of PostgreSQL's source that it adds, and with the code by which the server's
/// documentation explains it.
pub fn told(cause: &sqlx::Error) -> String {
    match cause.as_database_error() {
        Some(database) => match database.code() {
            Some(code) => format!("{} ({code})", database.message()),
            None => database.message().to_owned(),
        },
        None => without_place(cause.to_string()),
    }
}

/// Without the place in its own source that the driver adds to a protocol error.
fn without_place(mut sentence: String) -> String {
    if let Some(place) = sentence.find(" (sqlx") {
        sentence.truncate(place);
    }
    sentence
}
