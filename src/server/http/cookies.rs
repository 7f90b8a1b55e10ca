//! The two cookies: one names the browser while a ceremony is under way, one bears the session.

use crate::server::auth::Opened;
use crate::server::secret::Token;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::time::Duration;
use cookie::{Cookie, CookieBuilder, SameSite};

/// Names and attributes; with https the `__Host-` prefix binds them to this host (RFC 6265bis, section 4.1.3.2).
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    #[must_use]
    pub fn new(secure: bool) -> Self {
        Self { secure }
    }

    fn browser_name(self) -> &'static str {
        if self.secure { "__Host-latchkey_browser" } else { "latchkey_browser" }
    }

    fn session_name(self) -> &'static str {
        if self.secure { "__Host-latchkey_session" } else { "latchkey_session" }
    }

    #[must_use]
    pub fn browser(self, headers: &HeaderMap) -> Option<Token> {
        find(headers, self.browser_name())
    }

    #[must_use]
    pub fn session(self, headers: &HeaderMap) -> Option<Token> {
        find(headers, self.session_name())
    }

    /// Ends with the browser.
    #[must_use]
    pub fn set_browser(self, token: &Token) -> Option<HeaderValue> {
        header_of(self.cookie(self.browser_name(), token.encode()))
    }

    /// Ends with the browser, or with the session where the person chose to be kept signed in.
    #[must_use]
    pub fn set_session(self, opened: &Opened) -> Option<HeaderValue> {
        let cookie = self.cookie(self.session_name(), opened.token.encode());
        let life = opened.session.ends_at.since(opened.session.created_at);
        let life = Duration::seconds(i64::try_from(life.as_secs()).unwrap_or(i64::MAX));
        header_of(if opened.kept { cookie.max_age(life) } else { cookie })
    }

    #[must_use]
    pub fn end_session(self) -> Option<HeaderValue> {
        header_of(self.cookie(self.session_name(), String::new()).max_age(Duration::ZERO))
    }

    fn cookie(self, name: &'static str, value: String) -> CookieBuilder<'static> {
        Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax).secure(self.secure)
    }
}

fn header_of(cookie: CookieBuilder<'_>) -> Option<HeaderValue> {
    HeaderValue::from_str(&cookie.build().to_string()).ok()
}

/// A cookie that is there twice is somebody else's doing: then none counts.
fn find(headers: &HeaderMap, name: &str) -> Option<Token> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut found = lines.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == name);
    let first = found.next()?;
    if found.next().is_some() { None } else { Token::decode(first.value()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn cookies_are_closed_to_scripts_and_with_https_bound_to_the_host() {
        let token = Token::random(&SystemEntropy);
        let text = |secure| Cookies::new(secure).set_browser(&token).unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(false), format!("latchkey_browser={}; HttpOnly; SameSite=Lax; Path=/", token.encode()));
        assert_eq!(
            text(true),
            format!("__Host-latchkey_browser={}; HttpOnly; SameSite=Lax; Secure; Path=/", token.encode())
        );
    }

    #[test]
    fn a_cookie_is_read_once_or_not_at_all() {
        let (one, other) = (Token::random(&SystemEntropy), Token::random(&SystemEntropy));
        let read = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, line.parse().unwrap());
            Cookies::new(false).session(&headers)
        };
        let line = format!("a=b; latchkey_session={}", one.encode());
        assert_eq!(read(&line), Some(one));
        assert_eq!(read(&format!("{line}; latchkey_session={}", other.encode())), None);
        assert_eq!(read("latchkey_session=short"), None);
        assert_eq!(read("latchkey_session"), None);
    }
}
