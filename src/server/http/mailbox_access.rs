use crate::server::config::Config;
use axum::http::{HeaderMap, header};

/// Access to the development mailbox: from this machine (with `DEV_MAILBOX=on`, from any client that reaches the port),
/// through no proxy, and only if emails are stored there.
#[derive(Clone, Debug)]
pub struct MailboxAccess {
    /// The `Host` that has access; `None` if there is no mailbox.
    host: Option<String>,
}

impl MailboxAccess {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let is_local = config.listen_addr.ip().is_loopback() || config.dev_mailbox;
        let exists = config.smtp_url.is_none() && config.public_url.is_localhost() && is_local;
        let origin = config.public_url.origin();
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        Self { host: exists.then(|| host.to_owned()) }
    }

    /// Whether there is a mailbox.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.host.is_some()
    }

    /// Whether this request has access: under the public name, and through no proxy (docs/API.md).
    #[must_use]
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let Some(host) = &self.host else { return false };
        let mut hosts = headers.get_all(header::HOST).iter();
        let is_named = hosts.next().is_some_and(|named| named == host.as_str()) && hosts.next().is_none();
        is_named && !headers.keys().any(|name| is_proxy_header(name.as_str()))
    }
}

fn is_proxy_header(name: &str) -> bool {
    matches!(name, "forwarded" | "via") || name.starts_with("x-forwarded-") || name.starts_with("cf-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::{Drivers, Source};

    fn access(settings: &[(&str, &str)]) -> MailboxAccess {
        MailboxAccess::new(&Config::load(&Source::from_pairs(settings.iter().copied()), Drivers::ANY).unwrap())
    }

    fn request(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn this_machine_has_access_under_the_public_name() {
        assert!(access(&[]).allows(&request(&[("host", "localhost:3000")])));
        let open = [("LISTEN_ADDR", "0.0.0.0:3000"), ("DEV_MAILBOX", "on")];
        assert!(access(&open).allows(&request(&[("host", "localhost:3000")])));
    }

    #[test]
    fn no_other_request_has_access() {
        for lines in [
            &[][..],
            &[("host", "localhost")],
            &[("host", "localhost:3001")],
            &[("host", "evil.example")],
            &[("host", "127.0.0.1:3000")],
            &[("host", "localhost:3000"), ("forwarded", "for=1.2.3.4")],
            &[("host", "localhost:3000"), ("via", "1.1 x")],
            &[("host", "localhost:3000"), ("x-forwarded-for", "1.2.3.4")],
            &[("host", "localhost:3000"), ("x-forwarded-proto", "https")],
            &[("host", "localhost:3000"), ("cf-connecting-ip", "1.2.3.4")],
        ] {
            assert!(!access(&[]).allows(&request(lines)), "{lines:?}");
        }
    }

    #[test]
    fn there_is_no_mailbox_with_smtp_or_on_a_public_address() {
        let key = "k".repeat(32);
        for settings in [
            &[("SMTP_URL", "smtp://mail.example")][..],
            &[("PUBLIC_URL", "https://id.example"), ("SECRET_KEY", &key), ("EMAIL_SIGN_IN", "off")],
            &[("LISTEN_ADDR", "0.0.0.0:3000")],
        ] {
            assert!(!access(settings).exists(), "{settings:?}");
        }
    }
}
