//! Converts `DATABASE_URL` to options for the driver.

use crate::server::Unavailable;
use crate::server::secret::Secret;
use sqlx::postgres::PgConnectOptions;
use std::str::FromStr;
use url::Url;

/// Parameters that sqlx knows (sqlx-postgres 0.9, `options/parse.rs`). It logs the others with their values, which may
/// be secrets, so unknown parameters are dropped first.
const KNOWN: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

/// Whether the text is a database URL: it has a host, or a parameter that names a host or a socket directory.
#[must_use]
pub fn is_valid_url(text: &str) -> bool {
    read(text).is_some_and(|(options, _)| options.is_ok())
}

/// The options for the driver. Logs the names of unknown parameters as warnings.
pub fn options(url: &Secret<String>) -> Result<PgConnectOptions, Unavailable> {
    let bad = || Unavailable::new("database", "DATABASE_URL is not a valid PostgreSQL URL");
    let (options, ignored) = read(url.expose()).ok_or_else(bad)?;
    for name in ignored {
        tracing::warn!(name, "unknown parameter of DATABASE_URL ignored");
    }
    // PgBouncer rejects this start-up parameter, and no statement returns floating-point numbers.
    Ok(options.map_err(|_| bad())?.extra_float_digits(None))
}

/// The options that the driver reads, and the names of unknown parameters; `None` without a host.
fn read(text: &str) -> Option<(Result<PgConnectOptions, sqlx::Error>, Vec<String>)> {
    let mut url = Url::parse(text).ok()?;
    let all: Vec<_> = url.query_pairs().into_owned().collect();
    let names_host = all.iter().any(|(name, value)| matches!(name.as_str(), "host" | "hostaddr") && !value.is_empty());
    if !url.has_host() && !names_host {
        return None;
    }
    let (known, unknown): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| is_known(name));
    url.set_query(None);
    if !known.is_empty() {
        url.query_pairs_mut().extend_pairs(known);
    }
    let ignored = unknown.into_iter().map(|(name, _)| name).collect();
    Some((PgConnectOptions::from_str(url.as_str()), ignored))
}

fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || name == "options" || name.starts_with("options[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_or_a_socket_directory() {
        for text in [
            "postgres://localhost/db",
            "postgresql://u:p%40ss@db.example:5433/db?sslmode=verify-full",
            "postgres:///db?host=/run/postgresql",
            "postgres:///db?hostaddr=127.0.0.1&port=5433",
            "postgres://%2Frun%2Fpostgresql/db",
        ] {
            assert!(is_valid_url(text), "{text}");
        }
        for text in ["postgres://", "postgres:///db", "postgres:///db?host=", "postgres://h/db?sslmode=bogus", "h/db"] {
            assert!(!is_valid_url(text), "{text}");
        }
    }

    #[test]
    fn unknown_parameters_are_dropped_and_known_ones_kept() {
        let text =
            "postgres://h/db?sslpassword=hunter2&application_name=a%26b&options[search_path]=x&channel_binding=y";
        let (options, ignored) = read(text).unwrap();
        let options = options.unwrap();
        assert_eq!(ignored, ["sslpassword", "channel_binding"]);
        assert_eq!(options.get_application_name(), Some("a&b"));
        assert_eq!(options.get_options(), Some("-c search_path=x"));
    }
}
