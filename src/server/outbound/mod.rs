//! The only client for requests to addresses that others chose (docs/RULES.md, 15): no redirects, 5 seconds, 64 KiB,
//! and only allowed addresses. The name is resolved once, and the connection goes to the address that was checked.

mod address;

pub use address::Reach;

use ipnet::IpNet;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// Timeout for a request, from the name lookup to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How much of a response is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Why a request was not made, or not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("the address must start with https://")]
    Scheme,
    #[error("the address has a username or password")]
    UserInfo,
    #[error("the host has an address that is not allowed")]
    Forbidden,
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The first 64 KiB.
    pub body: Vec<u8>,
}

/// The client for outbound requests.
#[derive(Clone, Debug)]
pub struct OutboundClient {
    /// Setting `OUTBOUND_ALLOW`: networks that are always allowed, even over http.
    pub allowed: Arc<[IpNet]>,
}

impl OutboundClient {
    /// Posts a form.
    ///
    /// # Errors
    /// Why it was not sent, or not answered.
    pub async fn post_form(
        &self,
        uri: &str,
        fields: Vec<(&'static str, String)>,
        reach: Reach,
    ) -> Result<Reply, OutboundError> {
        let (uri, client) = (uri.to_owned(), self.clone());
        let sent = tokio::task::spawn_blocking(move || client.send(&uri, &fields, reach)).await;
        sent.unwrap_or_else(|cause| Err(OutboundError::NoAnswer(cause.to_string())))
    }

    fn send(&self, uri: &str, fields: &[(&'static str, String)], reach: Reach) -> Result<Reply, OutboundError> {
        self.check(uri, reach)?;
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("latchkey")
            .tls_config(tls)
            .build();
        let resolver = CheckedResolver { allowed: Arc::clone(&self.allowed), reach, inner: DefaultResolver::default() };
        let agent = ureq::Agent::with_parts(config, DefaultConnector::new(), resolver);
        let fields = fields.iter().map(|(name, value)| (*name, value.as_str()));
        let mut answer = agent.post(uri).send_form(fields).map_err(|cause| match cause {
            ureq::Error::Io(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => OutboundError::Forbidden,
            cause => OutboundError::NoAnswer(cause.to_string()),
        })?;
        let mut body = Vec::new();
        let read = answer.body_mut().as_reader().take(LARGEST).read_to_end(&mut body);
        read.map_err(|cause| OutboundError::NoAnswer(cause.to_string()))?;
        Ok(Reply { status: answer.status().as_u16(), body })
    }

    /// Checks everything that does not need name resolution.
    fn check(&self, uri: &str, reach: Reach) -> Result<(), OutboundError> {
        let url = url::Url::parse(uri).map_err(|_| OutboundError::Scheme)?;
        let is_plain = url.scheme() == "http" && (reach == Reach::Registered || !self.allowed.is_empty());
        if url.scheme() != "https" && !is_plain {
            return Err(OutboundError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::UserInfo);
        }
        Ok(())
    }
}

/// Resolves a name only if all of its addresses are allowed.
#[derive(Debug)]
struct CheckedResolver {
    allowed: Arc<[IpNet]>,
    reach: Reach,
    inner: DefaultResolver,
}

impl Resolver for CheckedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let is_plain = uri.scheme_str() == Some("http");
        let admits = |address: &std::net::SocketAddr| {
            let is_allowed = self.allowed.iter().any(|network| network.contains(&address.ip()));
            is_allowed || self.reach.admits(address.ip(), is_plain)
        };
        if found.iter().all(admits) {
            Ok(found)
        } else {
            Err(ureq::Error::Io(std::io::ErrorKind::PermissionDenied.into()))
        }
    }
}
