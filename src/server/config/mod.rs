//! Settings: `Leptos.toml` and the environment into one typed, validated [`Config`], every problem at once.

mod parse;
mod problem;
mod source;

pub use problem::{Problem, Problems};
pub use source::Source;

use crate::server::model::SessionLifetimes;
use crate::server::secret::Secret;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// Everything that can be set, checked against itself.
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
    pub dev_mailbox: bool,
    pub trusted_proxies: Vec<IpNet>,
    pub rate_limits: bool,
    pub metrics_addr: Option<SocketAddr>,
    pub security_contact: Option<String>,
    pub log_format: LogFormat,
    pub sessions: SessionLifetimes,
}

/// Names of all settings, as the documents list them.
pub const NAMES: [&str; 19] = [
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
    "DEV_MAILBOX",
    "TRUSTED_PROXIES",
    "RATE_LIMITS",
    "METRICS_ADDR",
    "SECURITY_CONTACT",
    "LOG_FORMAT",
    "SESSION_IDLE",
    "SESSION_MAX",
    "SESSION_KEEP",
];

/// The one origin that people see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    origin: String,
    host: String,
}

impl PublicUrl {
    /// As browsers write it in `Origin` and in client data (RFC 6454, section 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host, which is the relying party's id.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSignIn {
    On,
    RecoveryOnly,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// All [`Problems`] together: a missing, unknown or unusable setting, or two that do not go together.
    pub fn load(source: &Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let config = parse::config(source, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }

    /// Settings that are accepted already but do nothing in this version, for a warning at start.
    #[must_use]
    pub fn without_effect(&self) -> Vec<&'static str> {
        [
            ("METRICS_ADDR", self.metrics_addr.is_some()),
            ("SECURITY_CONTACT", self.security_contact.is_some()),
            ("SMTP_URL", self.smtp_url.is_some()),
            ("TRUSTED_PROXIES", !self.trusted_proxies.is_empty()),
        ]
        .into_iter()
        .filter_map(|(name, is_set)| is_set.then_some(name))
        .collect()
    }
}
