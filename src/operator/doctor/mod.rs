//! `latchkey doctor`: looks at everything that signing in depends on, and says in one line each what to do. It changes
//! nothing.

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

/// Clocks that differ by more make links, codes and limits end at the wrong time.
const MOST_SKEW: Duration = Duration::from_secs(10);
/// Longest wait for anything that is asked over the network.
const PATIENCE: Duration = Duration::from_secs(10);
/// Less free space than this is worth a word, or is too little.
const LOW_DISK: u64 = 1024 * 1024 * 1024;
const NO_DISK: u64 = 50 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Good,
    /// It affects no user yet, but needs attention.
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

/// Writes all findings; returns whether one of them affects users.
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
        findings.push(advice("limits", "RATE_LIMITS=off: rate limiting is off; remove this setting in production"));
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
        0..NO_DISK => fault("disk", format!("{said}; free up space; writes will fail")),
        NO_DISK..LOW_DISK => advice("disk", format!("{said}; make room soon")),
        _ => good("disk", said),
    }
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
