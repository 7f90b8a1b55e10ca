//! `latchkey health`: checks the server on this machine, for container health checks.

use super::{Failure, say};
use crate::server::config::Config;
use crate::types::paths;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// Longest wait for the response.
const TIMEOUT: Duration = Duration::from_secs(2);

pub async fn check(config: &Config) -> Result<(), Failure> {
    let url = format!("http://{}{}", beside(config.listen_addr), paths::HEALTH);
    let target = url.clone();
    // No proxy and no redirects: the server is on this machine.
    let agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).proxy(None).max_redirects(0).build();
    let answer = tokio::task::spawn_blocking(move || ureq::Agent::from(agent).get(target).call()).await;
    let reason = match answer {
        Ok(Ok(answer)) if answer.status() == 200 && answer.headers().contains_key("x-request-id") => {
            say(&format!("{url} responds"));
            return Ok(());
        }
        Ok(Ok(answer)) => format!("another server responded with status {}", answer.status()),
        Ok(Err(cause)) => cause.to_string(),
        Err(cause) => cause.to_string(),
    };
    Err(Failure::Message(format!("{url} is not healthy: {reason}")))
}

/// The address at which this machine reaches a server that listens on `listening`.
fn beside(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}
