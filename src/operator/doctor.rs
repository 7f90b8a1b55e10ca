//! `latchkey doctor`: looks at everything that signing in depends on, and says in one line each what to do. It changes
//! nothing.

use super::{Failure, write};
use crate::bootstrap;
use crate::server::Unavailable;
use crate::server::clock::{Clock, SystemClock, Timestamp};
use crate::server::config::{Config, DatabaseUrl, EmailSignIn};
use crate::server::ephemeral::RedisEphemeral;
use crate::server::store::{Store, postgres, sqlite};
use crate::types::paths;
use ipnet::IpNet;
use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Clocks that differ by more make links, codes and limits end at the wrong time.
const MOST_SKEW: Duration = Duration::from_secs(10);
/// Longest wait for anything that is asked over the network.
const PATIENCE: Duration = Duration::from_secs(10);
/// Redirects that are followed on the way to a page.
const MOST_REDIRECTS: usize = 5;
/// Less free space than this is worth a word, or is too little.
const LOW_DISK: u64 = 1024 * 1024 * 1024;
const NO_DISK: u64 = 50 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Good,
    /// Nobody is kept out by it, but it should be looked at.
    Advice,
    /// It stops people from signing in, or soon will.
    Fault,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub grade: Grade,
    pub about: &'static str,
    pub said: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.grade {
            Grade::Good => "ok    ",
            Grade::Advice => "advice",
            Grade::Fault => "FAULT ",
        };
        write!(f, "{mark}  {}: {}", self.about, self.said)
    }
}

fn good(about: &'static str, said: impl Into<String>) -> Finding {
    Finding { grade: Grade::Good, about, said: said.into() }
}

fn advice(about: &'static str, said: impl Into<String>) -> Finding {
    Finding { grade: Grade::Advice, about, said: said.into() }
}

fn fault(about: &'static str, said: impl Into<String>) -> Finding {
    Finding { grade: Grade::Fault, about, said: said.into() }
}

/// Writes everything that was found; tells whether somebody is kept out.
///
/// # Errors
/// When standard output is closed.
pub async fn report(config: &Config) -> Result<ExitCode, Failure> {
    let findings = examine(config).await;
    for finding in &findings {
        write(finding)?;
    }
    let is_well = findings.iter().all(|finding| finding.grade != Grade::Fault);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Looks at everything there is, given settings that fit.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![good("settings", "all of them fit")];
    findings.extend(origin(config));
    findings.push(disk(&config.data_dir));
    if let DatabaseUrl::Sqlite(file) = &config.database
        && let Some(folder) = file.parent().filter(|folder| !folder.starts_with(&config.data_dir))
    {
        findings.push(disk(folder));
    }
    findings.extend(database(config).await);
    findings.extend(ephemeral(config).await);
    findings.push(mail(config).await);
    findings.extend(site(config).await);
    findings
}

fn origin(config: &Config) -> Vec<Finding> {
    let (origin, host) = (config.public_url.origin(), config.public_url.host());
    let mut findings = vec![if config.public_url.is_localhost() {
        advice(
            "origin",
            format!("{origin}: only browsers on this machine can use it; set PUBLIC_URL to a https address"),
        )
    } else {
        good("origin", format!("{origin}; passkeys belong to {host}, and would be lost with another host"))
    }];
    if config.public_url.is_https() && config.trusted_proxies.is_empty() {
        let said = "PUBLIC_URL is https, so a proxy ends the encryption, but TRUSTED_PROXIES is empty: all visitors share \
                    the limits of one; set it to the proxy's network, such as 127.0.0.1 or 10.0.0.0/8";
        findings.push(advice("proxy", said));
    }
    for network in config.trusted_proxies.iter().filter(|network| is_wide(network)) {
        let said = format!(
            "TRUSTED_PROXIES holds {network}: each of its addresses may say where a request came from; name the proxy's \
             own network"
        );
        findings.push(advice("proxy", said));
    }
    if !config.rate_limits {
        findings.push(advice("limits", "RATE_LIMITS=off: nothing is limited; take that out before the public comes"));
    }
    findings
}

/// Whether a network holds more of the internet than a proxy or a content delivery network has.
fn is_wide(network: &IpNet) -> bool {
    let private = ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7"];
    let is_private =
        private.iter().filter_map(|text| text.parse::<IpNet>().ok()).any(|private| private.contains(network));
    let narrowest = if network.addr().is_ipv4() { 12 } else { 24 };
    !is_private && network.prefix_len() < narrowest
}

/// How much room there is where the data lies, or will lie.
fn disk(folder: &Path) -> Finding {
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let Ok(facts) = rustix::fs::statvfs(there) else {
        return advice("disk", format!("how much room {} has cannot be seen", there.display()));
    };
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    let said = format!("{} MiB free for {}", free / 1024 / 1024, folder.display());
    match free {
        0..NO_DISK => fault("disk", format!("{said}; make room, or nothing can be written")),
        NO_DISK..LOW_DISK => advice("disk", format!("{said}; make room soon")),
        _ => good("disk", said),
    }
}

async fn database(config: &Config) -> Vec<Finding> {
    match &config.database {
        DatabaseUrl::Sqlite(file) if !file.exists() => {
            vec![good("database", format!("{} will be made at the first start", file.display()))]
        }
        DatabaseUrl::Sqlite(file) => match sqlite::look(file).await {
            Ok(store) => accounts(config, &store, &sqlite::known_schemas()).await,
            Err(cause) => vec![fault("database", format!("{cause}; check DATABASE_URL and who may read the file"))],
        },
        DatabaseUrl::Postgres(url) => match postgres::look(url).await {
            Ok(store) => accounts(config, &store, &postgres::known_schemas()).await,
            Err(cause) => vec![fault("database", format!("{cause}; check DATABASE_URL, and that the server runs"))],
        },
    }
}

/// What the database says of itself and of the people in it.
async fn accounts(config: &Config, store: &impl Store, known: &[i64]) -> Vec<Finding> {
    match look_at(config, store, known).await {
        Ok(findings) => findings,
        Err(cause) => vec![fault("database", format!("{cause}; see the log of the database"))],
    }
}

async fn look_at(config: &Config, store: &impl Store, known: &[i64]) -> Result<Vec<Finding>, Unavailable> {
    let made = store.schema_versions().await?;
    let unknown = made.iter().find(|change| !known.contains(change));
    let missing: Vec<_> = known.iter().filter(|change| !made.contains(change)).map(i64::to_string).collect();
    let mut findings = vec![match unknown {
        _ if made.is_empty() => good("database", "it answers, and is empty; its tables are made at the first start"),
        Some(unknown) => fault(
            "database",
            format!("a newer version of latchkey has changed it (change {unknown}); start that version"),
        ),
        None if missing.is_empty() => good("database", "it answers, and its tables are those of this version"),
        None => {
            let said = format!("it answers; these changes are made at the next start: {}", missing.join(", "));
            good("database", said)
        }
    }];
    if let Some(theirs) = store.database_clock().await? {
        findings.push(clock("database", theirs));
    }
    if unknown.is_some() || !missing.is_empty() {
        return Ok(findings);
    }
    let rp_id = config.public_url.host();
    let stranded = store.count_passkeys_elsewhere(rp_id).await?;
    if stranded > 0 {
        let said = format!(
            "{stranded} were made under another PUBLIC_URL and do not work at {rp_id}; their owners need a letter or recovery code to come in"
        );
        findings.push(advice("passkeys", said));
    }
    let locked_out = store.count_without_sign_in_method(rp_id, config.email_sign_in != EmailSignIn::Off).await?;
    if locked_out > 0 {
        findings.push(advice("accounts", format!("{locked_out} have no way to sign in under these settings")));
    }
    Ok(findings)
}

async fn ephemeral(config: &Config) -> Vec<Finding> {
    const ABOUT: &str = "redis";
    let Some(url) = &config.redis_url else {
        return vec![good(ABOUT, "not used: what expires stays in the process, so there can be one process only")];
    };
    let facts = match RedisEphemeral::facts(url).await {
        Ok(facts) => facts,
        Err(cause) => return vec![fault(ABOUT, format!("{cause}; check REDIS_URL, and that the server runs"))],
    };
    let version = if is_old(&facts.version) {
        fault(ABOUT, format!("version {} is too old; 6.2 or newer is needed", facts.version))
    } else {
        good(ABOUT, format!("version {} answers", facts.version))
    };
    let eviction = match facts.eviction.as_deref() {
        Some("noeviction") => None,
        Some(policy) => Some(advice(
            ABOUT,
            format!(
                "maxmemory-policy is {policy}: with a full memory, sign-ins under way and limits are forgotten; set noeviction"
            ),
        )),
        None => Some(advice(ABOUT, "it does not say its maxmemory-policy; it should be noeviction")),
    };
    [Some(version), eviction, Some(clock("redis", facts.now))].into_iter().flatten().collect()
}

/// Whether a version is older than 6.2, which `GETDEL` needs.
fn is_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) < (6, 2)
}

fn clock(whose: &'static str, theirs: Timestamp) -> Finding {
    let ours = SystemClock.now();
    let skew = ours.since(theirs).max(theirs.since(ours));
    if skew > MOST_SKEW {
        advice("clock", format!("{} s away from the clock of {whose}; set both by NTP", skew.as_secs()))
    } else {
        good("clock", format!("within {} s of the clock of {whose}", skew.as_secs() + 1))
    }
}

async fn mail(config: &Config) -> Finding {
    const ABOUT: &str = "mail";
    let smtp = match bootstrap::smtp(config) {
        Ok(Some(smtp)) => smtp,
        Ok(None) if config.public_url.is_localhost() => return good(ABOUT, "letters go to the development mailbox"),
        Ok(None) => {
            return advice(ABOUT, "no SMTP_URL: no letter is ever sent, and a lost passkey means a lost account");
        }
        Err(cause) => return fault(ABOUT, cause.to_string()),
    };
    match smtp.check().await {
        Ok(()) => good(ABOUT, "the server answers, and takes the login"),
        Err(cause) => fault(ABOUT, format!("{cause}; check SMTP_URL, its certificate and its login")),
    }
}

/// What people get at `PUBLIC_URL`.
async fn site(config: &Config) -> Vec<Finding> {
    const ABOUT: &str = "site";
    let is_running = timeout(PATIENCE, TcpStream::connect(config.listen_addr)).await.is_ok_and(|answer| answer.is_ok());
    if !is_running {
        let said = format!("nothing listens on {}; start latchkey, and ask again for the rest", config.listen_addr);
        return vec![advice(ABOUT, said)];
    }
    let origin = config.public_url.origin().to_owned();
    let (is_https, has_contact) = (config.public_url.is_https(), config.security_contact.is_some());
    tokio::task::spawn_blocking(move || visit(&origin, is_https, has_contact))
        .await
        .unwrap_or_else(|cause| vec![fault(ABOUT, cause.to_string())])
}

fn visit(origin: &str, is_https: bool, has_contact: bool) -> Vec<Finding> {
    const ABOUT: &str = "site";
    // The system's certificates, since browsers of a company may know more than the public ones.
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
    let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0).tls_config(tls);
    let agent = ureq::Agent::from(agent.build());
    let page = match follow(&agent, origin) {
        Ok(page) => page,
        Err(said) => return vec![fault(ABOUT, said)],
    };
    let has = |name: &str| page.headers().contains_key(name);
    let mut findings = vec![match (has("x-request-id"), is_https, has("strict-transport-security")) {
        (false, ..) => fault(ABOUT, format!("something else answers at {origin}; lead the proxy to LISTEN_ADDR")),
        (true, true, false) => advice(ABOUT, "the proxy takes away Strict-Transport-Security; let our headers through"),
        (true, ..) => good(ABOUT, format!("{origin} answers, with our headers")),
    }];
    let date = page.headers().get("date").and_then(|date| date.to_str().ok()).and_then(Timestamp::from_http_date);
    findings.extend(date.map(|date| clock("site", date)));
    let asked = [(paths::PASSKEY_ENDPOINTS, true), (paths::SECURITY_TXT, has_contact)];
    for (path, _) in asked.into_iter().filter(|(_, is_expected)| *is_expected) {
        findings.push(match agent.get(format!("{origin}{path}")).call() {
            Ok(_) => good("well-known", format!("{path} answers")),
            Err(cause) => advice("well-known", format!("{path} does not answer ({cause}); let the proxy pass it on")),
        });
    }
    if !has_contact {
        findings.push(advice("well-known", "no SECURITY_CONTACT: whoever finds a weakness has nobody to tell"));
    }
    findings
}

/// The page for signing in, as a browser gets it; else what is wrong on the way there.
fn follow(agent: &ureq::Agent, origin: &str) -> Result<ureq::http::Response<ureq::Body>, String> {
    let mut address = format!("{origin}{}", paths::SIGN_IN);
    let mut seen = Vec::new();
    loop {
        let page = agent.get(&address).call().map_err(|cause| {
            format!("{origin} cannot be reached from here ({cause}); check DNS, the certificate and the proxy")
        })?;
        let location = page.headers().get("location").and_then(|location| location.to_str().ok());
        let target = location.and_then(|location| url::Url::parse(&address).ok()?.join(location).ok());
        let Some(target) = target.filter(|_| page.status().is_redirection()) else { return Ok(page) };
        if target.origin().ascii_serialization() != origin {
            let target = target.origin().ascii_serialization();
            return Err(format!("{origin} redirects to {target}; set PUBLIC_URL to that, or end the redirect"));
        }
        seen.push(std::mem::replace(&mut address, target.into()));
        if seen.contains(&address) || seen.len() > MOST_REDIRECTS {
            return Err(format!(
                "{address} redirects without end; the proxy says X-Forwarded-Proto: http of requests that came by https, so \
                 let it pass on the scheme that the browser used (nginx: proxy_set_header X-Forwarded-Proto $scheme)"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_with_much_of_the_internet_are_wide() {
        for (network, wide) in [
            ("0.0.0.0/1", true),
            ("10.0.0.0/7", true),
            ("10.0.0.0/8", false),
            ("104.16.0.0/13", false),
            ("127.0.0.1/32", false),
            ("192.0.0.0/8", true),
            ("2000::/3", true),
            ("2400:cb00::/32", false),
            ("fd00::/8", false),
        ] {
            assert_eq!(is_wide(&network.parse().unwrap()), wide, "{network}");
        }
    }

    #[test]
    fn old_versions_of_redis_are_known() {
        for (version, old) in [("6.0.16", true), ("6.2.0", false), ("7.0.15", false), ("5", true), ("unknown", true)] {
            assert_eq!(is_old(version), old, "{version}");
        }
    }

    #[test]
    fn a_clock_that_is_far_off_is_told() {
        let now = SystemClock.now();
        assert_eq!(clock("redis", now).grade, Grade::Good);
        assert_eq!(clock("redis", now.minus(Duration::from_mins(2))).grade, Grade::Advice);
        assert_eq!(clock("redis", now.plus(Duration::from_mins(2))).grade, Grade::Advice);
    }

    #[test]
    fn a_finding_is_one_line() {
        assert_eq!(fault("mail", "no answer").to_string(), "FAULT   mail: no answer");
    }
}
