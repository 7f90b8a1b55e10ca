//! `latchkey doctor`: checks everything that sign-in depends on, and prints a line for each check. It changes nothing.

mod backends;
mod provider;
mod site;

use super::{Failure, write};
use crate::server::clock::{Clock, SystemClock, Timestamp};
use crate::server::config::{Config, DatabaseUrl};
use ipnet::IpNet;
use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// A larger clock difference makes links, codes and limits expire at the wrong time.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(10);
/// Longest wait for a network request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Free space below which the disk check gives advice, or reports a fault.
const LOW_DISK_SPACE: u64 = 1024 * 1024 * 1024;
const CRITICAL_DISK_SPACE: u64 = 50 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Good,
    /// It affects no user yet, but needs attention.
    Advice,
    /// It prevents users from signing in, or soon will.
    Fault,
}

/// The result of one check, printed as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub grade: Grade,
    pub about: &'static str,
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.grade {
            Grade::Good => "ok    ",
            Grade::Advice => "advice",
            Grade::Fault => "FAULT ",
        };
        write!(f, "{mark}  {}: {}", self.about, self.message)
    }
}

fn good(about: &'static str, message: impl Into<String>) -> Finding {
    Finding { grade: Grade::Good, about, message: message.into() }
}

fn advice(about: &'static str, message: impl Into<String>) -> Finding {
    Finding { grade: Grade::Advice, about, message: message.into() }
}

fn fault(about: &'static str, message: impl Into<String>) -> Finding {
    Finding { grade: Grade::Fault, about, message: message.into() }
}

/// Prints all findings. The exit code is 1 if one of them is a fault.
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

/// Runs every check; the settings are valid.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![good("settings", "valid")];
    findings.extend(origin(config));
    findings.push(disk(&config.data_dir));
    if let DatabaseUrl::Sqlite(file) = &config.database
        && let Some(folder) = file.parent().filter(|folder| !folder.starts_with(&config.data_dir))
    {
        findings.push(disk(folder));
    }
    findings.extend(backends::database(config).await);
    findings.extend(backends::ephemeral(config).await);
    findings.push(backends::mail(config).await);
    findings.extend(provider::file(config));
    findings.extend(provider::provider(config).await);
    findings.extend(site::reached(config).await);
    findings
}

fn origin(config: &Config) -> Vec<Finding> {
    let (origin, host) = (config.public_url.origin(), config.public_url.host());
    let mut findings = vec![if config.public_url.is_localhost() {
        advice("origin", format!("{origin}: only browsers on this machine can use it; set PUBLIC_URL to an https URL"))
    } else {
        good("origin", format!("{origin}; passkeys belong to {host}, and would be lost with another host"))
    }];
    if config.public_url.is_https() && config.trusted_proxies.is_empty() {
        let message = "PUBLIC_URL is https, so a proxy terminates TLS, but TRUSTED_PROXIES is empty: all users share \
                       the rate limits of one client; set it to the proxy's network, such as 127.0.0.1 or 10.0.0.0/8";
        findings.push(advice("proxy", message));
    }
    for network in config.trusted_proxies.iter().filter(|network| is_too_large(network)) {
        let message = format!(
            "TRUSTED_PROXIES contains {network}: every address in it can forge client addresses; use the proxy's own \
             network"
        );
        findings.push(advice("proxy", message));
    }
    if !config.rate_limits {
        findings.push(advice("limits", "RATE_LIMITS=off: rate limiting is off; remove this setting in production"));
    }
    findings
}

/// Whether a network is larger than that of any proxy or content delivery network.
fn is_too_large(network: &IpNet) -> bool {
    let private = ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7"];
    let is_private =
        private.iter().filter_map(|text| text.parse::<IpNet>().ok()).any(|private| private.contains(network));
    let narrowest = if network.addr().is_ipv4() { 12 } else { 24 };
    !is_private && network.prefix_len() < narrowest
}

/// Checks the free disk space of a data folder, which may not exist yet.
fn disk(folder: &Path) -> Finding {
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let Ok(facts) = rustix::fs::statvfs(there) else {
        return advice("disk", format!("the free space of {} cannot be determined", there.display()));
    };
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    let message = format!("{} MiB free for {}", free / 1024 / 1024, folder.display());
    match free {
        0..CRITICAL_DISK_SPACE => fault("disk", format!("{message}: writes will fail; free up space")),
        CRITICAL_DISK_SPACE..LOW_DISK_SPACE => advice("disk", format!("{message}; free up space soon")),
        _ => good("disk", message),
    }
}

fn clock(whose: &'static str, theirs: Timestamp) -> Finding {
    let ours = SystemClock.now();
    let skew = ours.since(theirs).max(theirs.since(ours));
    if skew > MAX_CLOCK_SKEW {
        advice("clock", format!("differs by {} s from the clock of {whose}; synchronise both with NTP", skew.as_secs()))
    } else {
        good("clock", format!("within {} s of the clock of {whose}", skew.as_secs() + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_networks_are_reported() {
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
            assert_eq!(is_too_large(&network.parse().unwrap()), wide, "{network}");
        }
    }

    #[test]
    fn a_large_clock_skew_is_reported() {
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
