use std::fmt;
use url::{Host, Url};

/// A URI to which a user may be redirected after authorization or logout. Compared as a string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedirectUri(String);

/// Why a URI cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    #[error("must be an absolute URI of at most 1,024 visible ASCII characters")]
    NotAUri,
    #[error("must not have a fragment (#)")]
    Fragment,
    #[error("must not have a wildcard (*); register each URI")]
    Wildcard,
    #[error("must not have a username or password")]
    UserInfo,
    #[error("must not have a query parameter that the response uses: code, state, iss, error, error_description")]
    ResponseParameter,
    #[error("must start with https://, with http:// and a loopback address, or with the application's own scheme")]
    Scheme,
    #[error("must start with https://; a public client may use http:// only with a loopback address")]
    PlainHttp,
}

/// Schemes that browsers execute or handle themselves; no application can own them.
const RESERVED_SCHEMES: [&str; 16] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "javascript",
    "mailto",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Response parameters, which must not occur twice (RFC 6749, section 3.1).
const RESPONSE_PARAMETERS: [&str; 5] = ["code", "state", "iss", "error", "error_description"];

impl RedirectUri {
    const MAX_BYTES: usize = 1024;

    /// Validates a URI for registration.
    ///
    /// # Errors
    /// The reason why it cannot be registered.
    pub fn register(text: &str, is_public: bool) -> Result<Self, RedirectUriError> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte));
        if text.is_empty() || text.len() > Self::MAX_BYTES || !is_visible {
            return Err(RedirectUriError::NotAUri);
        }
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if text.contains('*') {
            return Err(RedirectUriError::Wildcard);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriError::NotAUri)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::UserInfo);
        }
        if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&&*name)) {
            return Err(RedirectUriError::ResponseParameter);
        }
        let lower = text.to_ascii_lowercase();
        let after_scheme = lower.strip_prefix("https:").or_else(|| lower.strip_prefix("http:"));
        // The parser accepts a wrong number of slashes, which browsers may interpret differently.
        if after_scheme.is_some_and(|rest| !rest.starts_with("//") || rest.starts_with("///")) {
            return Err(RedirectUriError::NotAUri);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) || !is_public => {}
            "http" => return Err(RedirectUriError::PlainHttp),
            scheme if RESERVED_SCHEMES.contains(&scheme) || scheme.starts_with("chrome") => {
                return Err(RedirectUriError::Scheme);
            }
            _ => {}
        }
        Ok(Self(text.to_owned()))
    }

    /// A URI from the database, validated when it was registered.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request may use `requested`: the same string or, for public clients, the same loopback address with
    /// any port (RFC 8252, section 7.3).
    #[must_use]
    pub fn admits(&self, requested: &str, is_public: bool) -> bool {
        self.0 == requested
            || (is_public && without_port(&self.0).is_some_and(|own| without_port(requested) == Some(own)))
    }

    /// Whether it leads to a native application on the user's device: its own scheme, or a loopback address.
    #[must_use]
    pub fn is_native(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| match url.scheme() {
            "https" => false,
            "http" => is_loopback(&url),
            _ => true,
        })
    }

    /// Whether a response that is sent there can be read in transit.
    #[must_use]
    pub fn is_unprotected(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
    }

    /// Its host for the consent page, or its scheme if it has no host.
    #[must_use]
    pub fn place(&self) -> String {
        let url = Url::parse(&self.0).ok();
        let host = url.as_ref().and_then(|url| url.host_str().filter(|host| !host.is_empty()).map(str::to_owned));
        host.or_else(|| url.map(|url| format!("{}:", url.scheme()))).unwrap_or_default()
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The parts before and after the port of `http://127.0.0.1`, `http://[::1]` or `http://localhost`; `None` for any
/// other URI. Split as a string, so that different spellings stay different.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    ["http://127.0.0.1", "http://[::1]", "http://localhost"].into_iter().find_map(|origin| {
        let rest = uri.strip_prefix(origin)?;
        let rest = match rest.strip_prefix(':') {
            Some(port) => {
                let end = port.find(|character: char| !character.is_ascii_digit()).unwrap_or(port.len());
                let (port, rest) = port.split_at(end);
                port.parse::<u16>().ok()?;
                rest
            }
            None => rest,
        };
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((origin, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_loopback_and_private_use_schemes_can_be_registered() {
        for text in [
            "https://app.example/callback",
            "https://app.example/callback?tenant=1",
            "http://127.0.0.1/callback",
            "http://[::1]:8080/callback",
            "http://localhost:9000/cb",
            "com.example.app:/oauth",
            "app.immich:///oauth-callback",
        ] {
            for is_public in [false, true] {
                assert_eq!(RedirectUri::register(text, is_public).unwrap().as_str(), text);
            }
        }
        assert!(RedirectUri::register("http://nas.lan/cb", false).unwrap().is_unprotected());
        for (text, expected) in [
            ("", RedirectUriError::NotAUri),
            ("/callback", RedirectUriError::NotAUri),
            ("https://app.example/a b", RedirectUriError::NotAUri),
            ("https://ä.example/", RedirectUriError::NotAUri),
            ("https://app.example\\@evil.example/", RedirectUriError::NotAUri),
            ("https://app.example/#x", RedirectUriError::Fragment),
            ("https://*.example/cb", RedirectUriError::Wildcard),
            ("https://user@app.example/cb", RedirectUriError::UserInfo),
            ("javascript:alert(1)", RedirectUriError::Scheme),
            ("data:text/html,x", RedirectUriError::Scheme),
            ("http://nas.lan/cb", RedirectUriError::PlainHttp),
        ] {
            assert_eq!(RedirectUri::register(text, true), Err(expected), "{text}");
        }
        let long = format!("https://app.example/{}", "x".repeat(1024));
        assert_eq!(RedirectUri::register(&long, false), Err(RedirectUriError::NotAUri));
    }

    #[test]
    fn uris_are_compared_as_strings_except_for_loopback_ports_of_public_clients() {
        let uri = |text: &str| RedirectUri::register(text, false).unwrap();
        assert!(uri("https://app.example/cb?a=1").admits("https://app.example/cb?a=1", false));
        for requested in [
            "https://app.example/cb?a=1&b=2",
            "https://app.example/cb",
            "https://app.example/cb/?a=1",
            "https://APP.example/cb?a=1",
            "https://app.example:443/cb?a=1",
        ] {
            assert!(!uri("https://app.example/cb?a=1").admits(requested, true), "{requested}");
        }
        for registered in ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb"] {
            assert!(uri(registered).admits("http://127.0.0.1:51004/cb", true));
            assert!(!uri(registered).admits("http://127.0.0.1:51004/cb", false));
            for requested in [
                "http://127.0.0.1:51004/cb2",
                "http://127.0.0.1:99999/cb",
                "http://127.0.0.1:1@evil.example/cb",
                "http://127.0.0.1.evil.example/cb",
                "http://localhost:51004/cb",
                "https://127.0.0.1:51004/cb",
            ] {
                assert!(!uri(registered).admits(requested, true), "{requested}");
            }
        }
        assert!(uri("http://[::1]/cb").admits("http://[::1]:8/cb", true));
        assert!(uri("http://localhost/cb").admits("http://localhost:8/cb", true));
    }

    #[test]
    fn native_redirect_uris_are_recognised() {
        let uri = |text: &str| RedirectUri::register(text, true).unwrap();
        assert!(uri("com.example.app:/cb").is_native() && uri("http://localhost:8/cb").is_native());
        assert!(!uri("https://app.example/cb").is_native());
        assert_eq!(uri("https://app.example/cb").place(), "app.example");
        assert_eq!(uri("com.example.app:/cb").place(), "com.example.app:");
    }
}
