//! Reads `Leptos.toml` and the environment into one typed, validated [`Config`], and reports all problems at once.

mod brand;
mod colour;
mod email_policy;
mod networks;
mod parse;
mod problem;
mod source;

pub use brand::Brand;
pub use colour::{Colour, Palette, Tone};
pub use email_policy::{EmailPolicy, EmailSignIn};
pub use parse::parse_duration;
pub use problem::{Problem, Problems};
pub use source::Source;

use crate::server::model::SessionLifetimes;
use crate::server::secret::Secret;
use crate::server::telemetry::LogFormat;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// All settings, validated together.
#[derive(Clone, Debug)]
pub struct Config {
    pub public_url: PublicUrl,
    pub listen_addr: SocketAddr,
    pub data_dir: PathBuf,
    pub database: DatabaseUrl,
    /// `None`: the in-process store.
    pub redis_url: Option<Secret<String>>,
    pub secret_key: Option<Secret<String>>,
    pub secret_key_previous: Option<Secret<String>>,
    pub smtp_url: Option<Secret<Url>>,
    pub mail_from: String,
    pub email_sign_in: EmailSignIn,
    pub sign_up: SignUp,
    pub brand: Brand,
    pub dev_mailbox: bool,
    pub trusted_proxies: Vec<IpNet>,
    /// The file that defines groups and applications.
    pub applications_file: Option<PathBuf>,
    /// Networks that outbound requests may always reach, even over http.
    pub outbound_allow: Vec<IpNet>,
    pub rate_limits: bool,
    pub metrics_addr: Option<SocketAddr>,
    pub security_contact: Option<String>,
    pub log_format: LogFormat,
    pub sessions: SessionLifetimes,
}

/// The URL checks of the backends' drivers. Settings must not depend on drivers, so the checks are passed in.
#[derive(Clone, Copy)]
pub struct Drivers {
    pub is_database_url: fn(&str) -> bool,
    pub is_redis_url: fn(&str) -> bool,
}

impl Drivers {
    /// Accepts every URL, for use without a backend.
    pub const ANY: Self = Self { is_database_url: |_| true, is_redis_url: |_| true };
}

/// Names of all settings, as the documents list them.
pub const NAMES: [&str; 27] = [
    "PUBLIC_URL",
    "LISTEN_ADDR",
    "DATA_DIR",
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "SECRET_KEY_PREVIOUS",
    "SMTP_URL",
    "MAIL_FROM",
    "EMAIL_SIGN_IN",
    "SIGN_UP",
    "SITE_NAME",
    "SITE_LOGO",
    "SITE_ACCENT",
    "SITE_LINKS",
    "SUPPORT_CONTACT",
    "DEV_MAILBOX",
    "TRUSTED_PROXIES",
    "APPLICATIONS_FILE",
    "OUTBOUND_ALLOW",
    "RATE_LIMITS",
    "METRICS_ADDR",
    "SECURITY_CONTACT",
    "LOG_FORMAT",
    "SESSION_IDLE",
    "SESSION_MAX",
    "SESSION_KEEP",
];

/// The public origin of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    origin: String,
    host: String,
}

impl PublicUrl {
    /// The origin as browsers write it in `Origin` and in client data (RFC 6454, section 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host, which is the relying party ID.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the host can only be this machine (RFC 6761, section 6.3).
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        is_localhost(&self.host)
    }
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// The file, resolved against `DATA_DIR`.
    Sqlite(PathBuf),
    Postgres(Secret<String>),
}

/// Who may create an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUp {
    Open,
    /// Only with an invitation.
    Invite,
    Off,
}

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// All [`Problems`] at once: missing, unknown or invalid settings, and settings that conflict.
    pub fn load(source: &Source, drivers: Drivers) -> Result<Self, Problems> {
        let mut problems = source.problems().clone();
        let config = parse::config(source, drivers, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Duration;

    fn load(pairs: &[(&str, &str)]) -> Result<Config, Problems> {
        let drivers = Drivers { is_database_url: |text| text.len() > "postgres://".len(), ..Drivers::ANY };
        Config::load(&Source::from_pairs(pairs.iter().copied()), drivers)
    }

    fn invalid_settings(pairs: &[(&str, &str)]) -> Vec<String> {
        load(pairs).unwrap_err().iter().map(|problem| problem.setting.clone()).collect()
    }

    #[test]
    fn without_settings_the_defaults_apply() {
        let config = load(&[]).unwrap();
        assert_eq!(config.public_url.origin(), "http://localhost:3000");
        assert_eq!(config.listen_addr.to_string(), "127.0.0.1:3000");
        assert!(matches!(config.database, DatabaseUrl::Sqlite(file) if file == Path::new("./data/latchkey.db")));
        assert!(config.redis_url.is_none() && config.rate_limits);
    }

    #[test]
    fn the_public_url_is_a_bare_origin_with_https_away_from_localhost() {
        for url in ["http://localhost", "http://app.localhost:8080", "https://localhost:8443", "http://localhost:3000/"]
        {
            let more = [("PUBLIC_URL", url), ("SECRET_KEY", &"k".repeat(32)), ("EMAIL_SIGN_IN", "off")];
            assert!(load(&more).is_ok(), "{url}");
        }
        for url in [
            "http://example.org",
            "https://10.0.0.1",
            "https://[::1]",
            "https://id.example/path",
            "https://id.example/?q",
            "https://user@id.example",
            "ftp://localhost",
            "localhost:3000",
            "https://id.example.",
        ] {
            assert!(
                invalid_settings(&[("PUBLIC_URL", url), ("EMAIL_SIGN_IN", "off")]).contains(&"PUBLIC_URL".to_owned()),
                "{url}"
            );
        }
    }

    #[test]
    fn https_requires_a_key_and_a_mail_server() {
        let https = ("PUBLIC_URL", "https://id.example");
        assert_eq!(invalid_settings(&[https]), ["SECRET_KEY", "SMTP_URL"]);
        assert_eq!(invalid_settings(&[https, ("EMAIL_SIGN_IN", "off")]), ["SECRET_KEY"]);
        assert_eq!(
            invalid_settings(&[https, ("EMAIL_SIGN_IN", "off"), ("SECRET_KEY", &"k".repeat(31))]),
            ["SECRET_KEY"]
        );
    }

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("24h", 86_400), ("30d", 2_592_000)] {
            assert_eq!(load(&[("SESSION_IDLE", text)]).unwrap().sessions.idle, Duration::from_secs(seconds));
        }
        for text in ["90", "s", "0s", "-1h", "+1h", "1.5h", "1 h", "1h30m", "3651d", "99999999999999999999d", "١h"] {
            assert_eq!(invalid_settings(&[("SESSION_IDLE", text)]), ["SESSION_IDLE"], "{text}");
        }
    }

    #[test]
    fn invalid_values_of_every_other_setting_are_reported() {
        for (name, text) in [
            ("LISTEN_ADDR", "3000"),
            ("DATABASE_URL", "sqlite://"),
            ("DATABASE_URL", "postgres://"),
            ("REDIS_URL", "http://localhost"),
            ("SMTP_URL", "mail.example.org"),
            ("MAIL_FROM", "Latchkey"),
            ("MAIL_FROM", "Latchkey <no-reply@localhost"),
            ("MAIL_FROM", "Ada <ädä@example.org>"),
            ("MAIL_FROM", "Ada <ada@-ü.example>"),
            ("TRUSTED_PROXIES", "0.0.0.0/0"),
            ("TRUSTED_PROXIES", "::/0"),
            ("TRUSTED_PROXIES", "10.0.0.0/8, 0.0.0.0/1, 128.0.0.0/1"),
            ("EMAIL_SIGN_IN", "ON"),
            ("SIGN_UP", "closed"),
            ("DEV_MAILBOX", "yes"),
            ("TRUSTED_PROXIES", "10.0.0.0/33"),
            ("RATE_LIMITS", "0"),
            ("METRICS_ADDR", "localhost"),
            ("SECURITY_CONTACT", "security@example.org"),
            ("LOG_FORMAT", "xml"),
        ] {
            assert_eq!(invalid_settings(&[(name, text)]), [name], "{text}");
        }
    }

    #[test]
    fn an_international_sender_domain_becomes_a_labels() {
        let config = load(&[("MAIL_FROM", "Bücherei <no-reply@bücher.example>")]).unwrap();
        assert!(config.mail_from.contains("Bücherei"), "{}", config.mail_from);
        assert!(config.mail_from.ends_with("<no-reply@xn--bcher-kva.example>"), "{}", config.mail_from);
    }

    #[test]
    fn a_file_holds_text_numbers_and_switches() {
        let read = |text| {
            let mut problems = Problems::default();
            let settings = source::parse_file(Path::new("x.toml"), text, &mut problems);
            if problems.is_empty() { Ok(settings) } else { Err(problems) }
        };
        let settings = read("RATE_LIMITS = false\nLOG_FORMAT = \"json\"\n").unwrap();
        assert_eq!(settings["RATE_LIMITS"], "off");
        assert_eq!(settings["LOG_FORMAT"], "json");
        for text in ["LOG_FORMAT = [\"json\"]", "[LOG_FORMAT]", "nonsense", "UNKNOWN = 1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_empty_setting_counts_as_unset() {
        assert!(load(&[("SMTP_URL", ""), ("REDIS_URL", "  "), ("SECRET_KEY", "")]).is_ok());
    }
}
