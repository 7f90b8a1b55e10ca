//! Checks of the database, Redis and the mail server.

use super::{Finding, advice, clock, fault, good};
use crate::bootstrap;
use crate::server::Unavailable;
use crate::server::config::{Config, DatabaseUrl, EmailSignIn};
use crate::server::ephemeral::RedisEphemeral;
use crate::server::store::{Store, postgres, sqlite};

pub(super) async fn database(config: &Config) -> Vec<Finding> {
    match &config.database {
        DatabaseUrl::Sqlite(file) if !file.exists() => {
            vec![good("database", format!("{} will be created at the first start", file.display()))]
        }
        DatabaseUrl::Sqlite(file) => match sqlite::look(file).await {
            Ok(store) => accounts(config, &store, &sqlite::migration_versions()).await,
            Err(cause) => vec![fault("database", format!("{cause}; check DATABASE_URL and the file's permissions"))],
        },
        DatabaseUrl::Postgres(url) => match postgres::look(url).await {
            Ok(store) => accounts(config, &store, &postgres::migration_versions()).await,
            Err(cause) => vec![fault("database", format!("{cause}; check DATABASE_URL, and that the server runs"))],
        },
    }
}

/// Checks of the database and its accounts.
async fn accounts(config: &Config, store: &impl Store, known: &[i64]) -> Vec<Finding> {
    match check_database(config, store, known).await {
        Ok(findings) => findings,
        Err(cause) => vec![fault("database", format!("{cause}; see the log of the database"))],
    }
}

async fn check_database(config: &Config, store: &impl Store, known: &[i64]) -> Result<Vec<Finding>, Unavailable> {
    let made = store.schema_versions().await?;
    let unknown = made.iter().find(|change| !known.contains(change));
    let missing: Vec<_> = known.iter().filter(|change| !made.contains(change)).map(i64::to_string).collect();
    let mut findings = vec![match unknown {
        _ if made.is_empty() => good("database", "connected; it is empty, and its tables are created at first start"),
        Some(unknown) => fault(
            "database",
            format!("a newer version of latchkey has migrated it (migration {unknown}); run that version"),
        ),
        None if missing.is_empty() => good("database", "connected; its schema is up to date"),
        None => {
            let message = format!("connected; these migrations run at the next start: {}", missing.join(", "));
            good("database", message)
        }
    }];
    if let Some(theirs) = store.database_clock().await? {
        findings.push(clock("database", theirs));
    }
    if unknown.is_some() || !missing.is_empty() {
        return Ok(findings);
    }
    let rp_id = config.public_url.host();
    let stranded = store.count_passkeys_of_other_rps(rp_id).await?;
    if stranded > 0 {
        let message = format!(
            "{stranded} were created under another PUBLIC_URL and do not work at {rp_id}; their owners need an email \
             or recovery code to sign in"
        );
        findings.push(advice("passkeys", message));
    }
    let locked_out = store.count_without_sign_in_method(rp_id, config.email_sign_in != EmailSignIn::Off).await?;
    if locked_out > 0 {
        findings.push(advice("accounts", format!("{locked_out} have no sign-in method under these settings")));
    }
    Ok(findings)
}

pub(super) async fn ephemeral(config: &Config) -> Vec<Finding> {
    const ABOUT: &str = "redis";
    let Some(url) = &config.redis_url else {
        return vec![good(ABOUT, "not used: expiring data is kept in memory, so only one process can run")];
    };
    let facts = match RedisEphemeral::facts(url).await {
        Ok(facts) => facts,
        Err(cause) => return vec![fault(ABOUT, format!("{cause}; check REDIS_URL, and that the server runs"))],
    };
    let version = if is_old(&facts.version) {
        fault(ABOUT, format!("version {} is too old; 6.2 or newer is needed", facts.version))
    } else {
        good(ABOUT, format!("version {} responds", facts.version))
    };
    let eviction = match facts.eviction.as_deref() {
        Some("noeviction") => None,
        Some(policy) => Some(advice(
            ABOUT,
            format!(
                "maxmemory-policy is {policy}: when memory is full, open sign-ins and rate limits are evicted; set noeviction"
            ),
        )),
        None => Some(advice(ABOUT, "its maxmemory-policy is unknown; it should be noeviction")),
    };
    [Some(version), eviction, Some(clock("redis", facts.now))].into_iter().flatten().collect()
}

/// Whether a version is older than 6.2, which `GETDEL` needs.
fn is_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) < (6, 2)
}

pub(super) async fn mail(config: &Config) -> Finding {
    const ABOUT: &str = "mail";
    let smtp = match bootstrap::smtp(config) {
        Ok(Some(smtp)) => smtp,
        Ok(None) if config.public_url.is_localhost() => return good(ABOUT, "emails go to the development mailbox"),
        Ok(None) => {
            return advice(ABOUT, "SMTP_URL is not set: no emails are sent, and a lost passkey means a lost account");
        }
        Err(cause) => return fault(ABOUT, cause.to_string()),
    };
    match smtp.check().await {
        Ok(()) => good(ABOUT, "the server responds and accepts the login"),
        Err(cause) => fault(ABOUT, format!("{cause}; check SMTP_URL, the server's certificate and the login")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_redis_versions_are_recognised() {
        for (version, old) in [("6.0.16", true), ("6.2.0", false), ("7.0.15", false), ("5", true), ("unknown", true)] {
            assert_eq!(is_old(version), old, "{version}");
        }
    }
}
