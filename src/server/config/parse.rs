//! Parses each setting. Problems are collected, and parsing continues.

use super::brand::brand;
use super::networks::networks;
use super::{Config, DatabaseUrl, Drivers, EmailSignIn, Problems, PublicUrl, SignUp, Source, is_localhost};
use crate::server::model::SessionLifetimes;
use crate::server::model::user::a_labels;
use crate::server::secret::Secret;
use crate::server::telemetry::{self, LogFormat};
use lettre::Address;
use lettre::message::Mailbox;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

const DAY: u64 = 24 * 60 * 60;

/// Parses all settings; `None` if a required one is invalid, which `problems` then contains.
pub fn config(source: &Source, drivers: Drivers, problems: &mut Problems) -> Option<Config> {
    let public_url = public_url(source, problems);
    let listen_addr = listen_addr(source, problems);
    let data_dir = PathBuf::from(source.get("DATA_DIR").unwrap_or("./data"));
    let database = database(source, &data_dir, drivers, problems);
    let redis_url = redis_url(source, drivers, problems);
    let secret_key = key(source, "SECRET_KEY", problems);
    let secret_key_previous = key(source, "SECRET_KEY_PREVIOUS", problems);
    let smtp_url = smtp_url(source, problems);
    let brand = brand(source, &data_dir, problems);
    let host = public_url.as_ref().map_or("localhost", PublicUrl::host);
    let mail_from = mail_from(source, &brand.name, host, problems);
    let email_sign_in = email_sign_in(source, problems);
    let sign_up = one_of(
        source,
        "SIGN_UP",
        &[("open", SignUp::Open), ("invite", SignUp::Invite), ("off", SignUp::Off)],
        problems,
    );
    let dev_mailbox = switch(source, "DEV_MAILBOX", false, problems);
    let trusted_proxies = networks(source, "TRUSTED_PROXIES", problems);
    let applications_file = source.get("APPLICATIONS_FILE").map(|path| data_dir.join(path));
    let outbound_allow = networks(source, "OUTBOUND_ALLOW", problems);
    let rate_limits = switch(source, "RATE_LIMITS", true, problems);
    let metrics_addr = socket_addr(source, "METRICS_ADDR", problems);
    let security_contact = security_contact(source, problems);
    let log_format = log_format(source, problems);
    check_log_filter(source, problems);
    let sessions = SessionLifetimes {
        idle: duration(source, "SESSION_IDLE", Duration::from_hours(1), problems),
        max: duration(source, "SESSION_MAX", Duration::from_hours(24), problems),
        keep: duration(source, "SESSION_KEEP", Duration::from_hours(30 * 24), problems),
    };
    let is_https = public_url.as_ref().is_some_and(PublicUrl::is_https);
    if is_https && source.get("SECRET_KEY").is_none() {
        problems.add("SECRET_KEY", "nothing", "32 bytes or more, since PUBLIC_URL is https (openssl rand -base64 48)");
    }
    if is_https && source.get("SMTP_URL").is_none() && email_sign_in != EmailSignIn::Off {
        problems.add("SMTP_URL", "nothing", "a mail server, since PUBLIC_URL is https; or EMAIL_SIGN_IN=off");
    }
    Some(Config {
        public_url: public_url?,
        listen_addr: listen_addr?,
        data_dir,
        database: database?,
        redis_url,
        secret_key,
        secret_key_previous,
        smtp_url,
        mail_from,
        email_sign_in,
        sign_up,
        brand,
        dev_mailbox,
        trusted_proxies,
        applications_file,
        outbound_allow,
        rate_limits,
        metrics_addr,
        security_contact,
        log_format,
        sessions,
    })
}

fn public_url(source: &Source, problems: &mut Problems) -> Option<PublicUrl> {
    const ACCEPTED: &str = "https:// with a domain name and nothing after it (http:// for localhost and *.localhost)";
    let text = source.get("PUBLIC_URL").unwrap_or("http://localhost:3000");
    let parsed = Url::parse(text).ok().filter(is_bare_origin);
    let host = parsed.as_ref().and_then(|url| Some(url.domain()?.to_owned()));
    match (parsed, host) {
        (Some(url), Some(host)) if url.scheme() == "https" || is_localhost(&host) => {
            Some(PublicUrl { origin: url.origin().ascii_serialization(), url, host })
        }
        _ => {
            let found = if text.contains('@') { without_secrets(text) } else { text.to_owned() };
            problems.add("PUBLIC_URL", found, ACCEPTED);
            None
        }
    }
}

fn is_bare_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.port() != Some(0)
        && url.domain().is_some_and(|host| !host.ends_with('.'))
}

/// The description of an invalid URL that may contain a password: its scheme at most, because the password can be
/// anywhere in text that does not parse.
fn without_secrets(text: &str) -> String {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    match scheme.filter(|scheme| scheme.len() <= 16 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        Some(scheme) => format!("a URL that begins with {scheme}://"),
        None => "text that is not a URL".to_owned(),
    }
}

fn listen_addr(source: &Source, problems: &mut Problems) -> Option<SocketAddr> {
    let name = if source.get("LISTEN_ADDR").is_some() { "LISTEN_ADDR" } else { "LEPTOS_SITE_ADDR" };
    match source.get(name) {
        None => Some(SocketAddr::from(([127, 0, 0, 1], 3000))),
        Some(_) => socket_addr(source, name, problems),
    }
}

fn socket_addr(source: &Source, name: &str, problems: &mut Problems) -> Option<SocketAddr> {
    let text = source.get(name)?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        problems.add(name, text, "an address and a port, such as 127.0.0.1:3000 or [::]:3000");
    }
    parsed
}

fn database(source: &Source, data_dir: &Path, drivers: Drivers, problems: &mut Problems) -> Option<DatabaseUrl> {
    const ACCEPTED: &str = "sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE";
    let text = source.get("DATABASE_URL").unwrap_or("sqlite://latchkey.db");
    if let Some(file) = text.strip_prefix("sqlite://").filter(|file| !file.is_empty() && !file.contains('?')) {
        return Some(DatabaseUrl::Sqlite(data_dir.join(file)));
    }
    let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
    if is_postgres && (drivers.is_database_url)(text) {
        return Some(DatabaseUrl::Postgres(Secret::new(text.to_owned())));
    }
    problems.add("DATABASE_URL", without_secrets(text), ACCEPTED);
    None
}

fn redis_url(source: &Source, drivers: Drivers, problems: &mut Problems) -> Option<Secret<String>> {
    let text = source.get("REDIS_URL")?;
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "redis" | "rediss") && url.has_host());
    if url.is_some() && (drivers.is_redis_url)(text) {
        return Some(Secret::new(text.to_owned()));
    }
    problems.add(
        "REDIS_URL",
        without_secrets(text),
        "redis://HOST:PORT or rediss://HOST:PORT, with ?cluster=true for a cluster",
    );
    None
}

fn key(source: &Source, name: &str, problems: &mut Problems) -> Option<Secret<String>> {
    let text = source.get(name)?;
    if text.len() < 32 {
        problems.add(name, format!("{} bytes", text.len()), "32 bytes or more (openssl rand -base64 48)");
        return None;
    }
    Some(Secret::new(text.to_owned()))
}

fn smtp_url(source: &Source, problems: &mut Problems) -> Option<Secret<Url>> {
    let text = source.get("SMTP_URL")?;
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "smtp" | "smtps") && url.has_host());
    if url.is_none() {
        problems.add("SMTP_URL", without_secrets(text), "smtp://USER:PASSWORD@HOST:PORT or smtps://…");
    }
    url.map(Secret::new)
}

/// By default at the host of `PUBLIC_URL`: a mail relay refuses senders at `localhost`.
fn mail_from(source: &Source, site_name: &str, host: &str, problems: &mut Problems) -> String {
    let named: String = site_name.chars().filter(|char| !char.is_control() && !matches!(char, '"' | '\\')).collect();
    let default = format!("\"{named}\" <no-reply@{host}>");
    let text = source.get("MAIL_FROM").unwrap_or(&default);
    if text.chars().any(char::is_control) {
        problems.add("MAIL_FROM", text.escape_debug().to_string(), "an address, or NAME <ADDRESS>");
    } else if let Some(mailbox) = text.parse().ok().and_then(deliverable_mailbox) {
        return mailbox.to_string();
    } else {
        problems.add("MAIL_FROM", text, "an address, or NAME <ADDRESS>, with ASCII before the @");
    }
    text.to_owned()
}

/// The sender with its domain as A-labels, because not every mail server accepts others (RFC 6531); `None` if that is
/// not enough.
fn deliverable_mailbox(mailbox: Mailbox) -> Option<Mailbox> {
    let (user, domain) = (mailbox.email.user(), mailbox.email.domain());
    if domain.is_ascii() {
        return user.is_ascii().then_some(mailbox);
    }
    let email = Address::new(user, a_labels(domain)?).ok().filter(|_| user.is_ascii())?;
    Some(Mailbox::new(mailbox.name, email))
}

fn email_sign_in(source: &Source, problems: &mut Problems) -> EmailSignIn {
    let words = [("on", EmailSignIn::On), ("recovery-only", EmailSignIn::RecoveryOnly), ("off", EmailSignIn::Off)];
    one_of(source, "EMAIL_SIGN_IN", words.as_slice(), problems)
}

/// [`telemetry::start`] reads the filter itself, also for commands that need no settings.
fn check_log_filter(source: &Source, problems: &mut Problems) {
    let Some(filter) = source.get("RUST_LOG") else { return };
    if let Some(wrong) = telemetry::invalid_directive(filter) {
        problems.add("RUST_LOG", wrong, "directives such as `warn` or `latchkey=debug`, separated by commas");
    }
}

fn log_format(source: &Source, problems: &mut Problems) -> LogFormat {
    one_of(source, "LOG_FORMAT", &[("text", LogFormat::Text), ("json", LogFormat::Json)], problems)
}

fn switch(source: &Source, name: &str, default: bool, problems: &mut Problems) -> bool {
    let words = if default { [("on", true), ("off", false)] } else { [("off", false), ("on", true)] };
    one_of(source, name, &words, problems)
}

/// One of a few words, the first of which is the default.
fn one_of<T: Copy>(source: &Source, name: &str, words: &[(&str, T)], problems: &mut Problems) -> T {
    let default = words[0].1;
    let Some(text) = source.get(name) else { return default };
    words.iter().find(|(word, _)| *word == text).map_or_else(
        || {
            let accepted = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            problems.add(name, text, accepted);
            default
        },
        |(_, value)| *value,
    )
}

fn security_contact(source: &Source, problems: &mut Problems) -> Option<String> {
    let text = source.get("SECURITY_CONTACT")?;
    let is_contact = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "mailto" | "https" | "tel"));
    if !is_contact {
        problems.add("SECURITY_CONTACT", text, "an address beginning with mailto:, https:// or tel:");
    }
    is_contact.then(|| text.to_owned())
}

fn duration(source: &Source, name: &str, default: Duration, problems: &mut Problems) -> Duration {
    let Some(text) = source.get(name) else { return default };
    parse_duration(text).unwrap_or_else(|| {
        problems.add(name, text, "a whole number of s, m, h or d, such as 90s, 10m, 24h or 30d, at most ten years");
        default
    })
}

/// Parses a whole number and a unit; more than zero and at most ten years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => DAY,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())??;
    let seconds = number.checked_mul(unit)?;
    (1..=3650 * DAY).contains(&seconds).then_some(Duration::from_secs(seconds))
}
