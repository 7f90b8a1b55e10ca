//! Checks of the site, as a browser sees it.

use super::{Finding, TIMEOUT, advice, clock, fault, good};
use crate::server::clock::Timestamp;
use crate::server::config::Config;
use crate::types::paths;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Maximum number of redirects to follow.
const MAX_REDIRECTS: usize = 5;

/// Checks the response at `PUBLIC_URL`.
pub(super) async fn reached(config: &Config) -> Vec<Finding> {
    const ABOUT: &str = "site";
    let is_running = timeout(TIMEOUT, TcpStream::connect(config.listen_addr)).await.is_ok_and(|answer| answer.is_ok());
    if !is_running {
        let message =
            format!("nothing is listening on {}; start latchkey, then run the doctor again", config.listen_addr);
        return vec![advice(ABOUT, message)];
    }
    let origin = config.public_url.origin().to_owned();
    let (is_https, has_contact) = (config.public_url.is_https(), config.security_contact.is_some());
    tokio::task::spawn_blocking(move || visit(&origin, is_https, has_contact))
        .await
        .unwrap_or_else(|cause| vec![fault(ABOUT, cause.to_string())])
}

fn visit(origin: &str, is_https: bool, has_contact: bool) -> Vec<Finding> {
    const ABOUT: &str = "site";
    // The system's root certificates, since a company may have added its own.
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
    let agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0).tls_config(tls);
    let agent = ureq::Agent::from(agent.build());
    let page = match follow(&agent, origin) {
        Ok(page) => page,
        Err(message) => return vec![fault(ABOUT, message)],
    };
    let has = |name: &str| page.headers().contains_key(name);
    let mut findings = vec![match (has("x-request-id"), is_https, has("strict-transport-security")) {
        (false, ..) => fault(ABOUT, format!("another server responds at {origin}; point the proxy to LISTEN_ADDR")),
        (true, true, false) => {
            advice(ABOUT, "the proxy removes Strict-Transport-Security; configure it to keep response headers")
        }
        (true, ..) => good(ABOUT, format!("{origin} responds with latchkey's headers")),
    }];
    let date = page.headers().get("date").and_then(|date| date.to_str().ok()).and_then(Timestamp::from_http_date);
    findings.extend(date.map(|date| clock("site", date)));
    let pages = [(paths::PASSKEY_ENDPOINTS, true), (paths::SECURITY_TXT, has_contact)];
    for (path, _) in pages.into_iter().filter(|(_, is_expected)| *is_expected) {
        findings.push(match agent.get(format!("{origin}{path}")).call() {
            Ok(_) => good("well-known", format!("{path} responds")),
            Err(cause) => advice("well-known", format!("{path} failed ({cause}); make the proxy forward it")),
        });
    }
    if !has_contact {
        findings.push(advice("well-known", "no SECURITY_CONTACT: vulnerabilities cannot be reported to you"));
    }
    findings
}

/// Fetches the sign-in page as a browser does, or says what went wrong.
fn follow(agent: &ureq::Agent, origin: &str) -> Result<ureq::http::Response<ureq::Body>, String> {
    let mut address = format!("{origin}{}", paths::SIGN_IN);
    let mut seen = Vec::new();
    loop {
        let page = agent.get(&address).call().map_err(|cause| {
            format!("{origin} cannot be reached from this machine ({cause}); check DNS, the certificate and the proxy")
        })?;
        let location = page.headers().get("location").and_then(|location| location.to_str().ok());
        let target = location.and_then(|location| url::Url::parse(&address).ok()?.join(location).ok());
        let Some(target) = target.filter(|_| page.status().is_redirection()) else { return Ok(page) };
        if target.origin().ascii_serialization() != origin {
            let target = target.origin().ascii_serialization();
            return Err(format!("{origin} redirects to {target}; set PUBLIC_URL to that, or remove the redirect"));
        }
        seen.push(std::mem::replace(&mut address, target.into()));
        if seen.contains(&address) || seen.len() > MAX_REDIRECTS {
            return Err(format!(
                "{address} redirects in a loop; the proxy sends X-Forwarded-Proto: http for https requests: make it \
                 send the browser's scheme (nginx: proxy_set_header X-Forwarded-Proto $scheme)"
            ));
        }
    }
}
