//! The cookies. Most hold a token: of the session, of the browser for ceremonies, of the user who signed in last, and of
//! pending requests. The others hold the language, and the notice that the next page shows.

use crate::server::auth::{NewSession, Requested};
use crate::server::model::Session;
use crate::server::model::browser::KNOWN_BROWSER_LIFE;
use crate::server::oauth::PENDING_LIFE;
use crate::server::secret::Token;
use crate::types::{Language, Notice};
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

    fn known_name(self) -> &'static str {
        if self.secure { "__Host-latchkey_known" } else { "latchkey_known" }
    }

    fn notice_name(self) -> &'static str {
        if self.secure { "__Host-latchkey_notice" } else { "latchkey_notice" }
    }

    #[must_use]
    pub fn known(self, headers: &HeaderMap) -> Option<Token> {
        token(headers, self.known_name())
    }

    fn language_name(self) -> &'static str {
        if self.secure { "__Host-latchkey_language" } else { "latchkey_language" }
    }

    /// The language that was chosen.
    #[must_use]
    pub fn language(self, headers: &HeaderMap) -> Option<Language> {
        Language::parse(find(headers, self.language_name())?)
    }

    /// Kept for a year.
    #[must_use]
    pub fn set_language(self, language: Language) -> Option<HeaderValue> {
        header_of(self.cookie(self.language_name(), language.tag().to_owned()).max_age(Duration::days(365)))
    }

    /// The notice of the previous page.
    #[must_use]
    pub fn notice(self, headers: &HeaderMap) -> Option<Notice> {
        Notice::parse(find(headers, self.notice_name())?)
    }

    /// Kept for a minute: the next page shows and removes it.
    #[must_use]
    pub fn set_notice(self, notice: Notice) -> Option<HeaderValue> {
        header_of(self.cookie(self.notice_name(), notice.code()).max_age(Duration::MINUTE))
    }

    #[must_use]
    pub fn end_notice(self) -> Option<HeaderValue> {
        self.end(self.notice_name())
    }

    fn confirmation_name(self) -> &'static str {
        if self.secure { "__Host-latchkey_confirmation" } else { "latchkey_confirmation" }
    }

    /// The token of a confirmation link that was opened before signing in.
    #[must_use]
    pub fn confirmation(self, headers: &HeaderMap) -> Option<Token> {
        token(headers, self.confirmation_name())
    }

    /// Kept for ten minutes, so that no URL contains the token while the user signs in.
    #[must_use]
    pub fn set_confirmation(self, token: &Token) -> Option<HeaderValue> {
        header_of(self.cookie(self.confirmation_name(), token.encode()).max_age(Duration::minutes(10)))
    }

    fn pending_name(self) -> &'static str {
        if self.secure { "__Host-latchkey_pending" } else { "latchkey_pending" }
    }

    /// The pending authorization request of this browser.
    #[must_use]
    pub fn pending(self, headers: &HeaderMap) -> Option<Token> {
        token(headers, self.pending_name())
    }

    /// Kept for as long as the request.
    #[must_use]
    pub fn set_pending(self, request: &Token) -> Option<HeaderValue> {
        header_of(self.cookie(self.pending_name(), request.encode()).max_age(whole_seconds(PENDING_LIFE)))
    }

    #[must_use]
    pub fn end_pending(self) -> Option<HeaderValue> {
        self.end(self.pending_name())
    }

    fn email_name(self) -> &'static str {
        if self.secure { "__Host-latchkey_email" } else { "latchkey_email" }
    }

    /// The token of the email request of this browser.
    #[must_use]
    pub fn email(self, headers: &HeaderMap) -> Option<Token> {
        token(headers, self.email_name())
    }

    /// Kept for as long as the link and the code are valid.
    #[must_use]
    pub fn set_email(self, requested: &Requested) -> Option<HeaderValue> {
        header_of(self.cookie(self.email_name(), requested.email.encode()).max_age(whole_seconds(requested.life)))
    }

    #[must_use]
    pub fn end_email(self) -> Option<HeaderValue> {
        self.end(self.email_name())
    }

    #[must_use]
    pub fn end_known(self) -> Option<HeaderValue> {
        self.end(self.known_name())
    }

    #[must_use]
    pub fn browser(self, headers: &HeaderMap) -> Option<Token> {
        token(headers, self.browser_name())
    }

    #[must_use]
    pub fn session(self, headers: &HeaderMap) -> Option<Token> {
        token(headers, self.session_name())
    }

    /// Kept until the browser is closed.
    #[must_use]
    pub fn set_browser(self, token: &Token) -> Option<HeaderValue> {
        header_of(self.cookie(self.browser_name(), token.encode()))
    }

    /// The session cookie, and the one by which the browser remembers the user. The session cookie is kept until the
    /// browser is closed, or for as long as the session if the user chose to stay signed in.
    pub fn set_signed_in(self, opened: &NewSession) -> impl Iterator<Item = HeaderValue> + use<> {
        let life = whole_seconds(KNOWN_BROWSER_LIFE);
        let known = header_of(self.cookie(self.known_name(), opened.known.encode()).max_age(life));
        [self.set_session(&opened.session, &opened.token), known].into_iter().flatten()
    }

    /// The session cookie alone, after a reauthentication.
    #[must_use]
    pub fn set_session(self, session: &Session, token: &Token) -> Option<HeaderValue> {
        let cookie = self.cookie(self.session_name(), token.encode());
        let life = whole_seconds(session.ends_at.since(session.authenticated_at));
        header_of(if session.kept { cookie.max_age(life) } else { cookie })
    }

    #[must_use]
    pub fn end_session(self) -> Option<HeaderValue> {
        self.end(self.session_name())
    }

    fn end(self, name: &'static str) -> Option<HeaderValue> {
        header_of(self.cookie(name, String::new()).max_age(Duration::ZERO))
    }

    fn cookie(self, name: &'static str, value: String) -> CookieBuilder<'static> {
        Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax).secure(self.secure)
    }
}

fn whole_seconds(span: std::time::Duration) -> Duration {
    Duration::seconds(i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
}

fn header_of(cookie: CookieBuilder<'_>) -> Option<HeaderValue> {
    HeaderValue::from_str(&cookie.build().to_string()).ok()
}

fn token(headers: &HeaderMap, name: &str) -> Option<Token> {
    Token::decode(find(headers, name)?)
}

/// The value of a cookie; `None` if it occurs twice, because then another program on this host set one of them.
///
/// Parses bytes, not text: other programs on the host may set cookies that are not ASCII, and those must not hide ours.
fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut found = pairs.filter_map(|pair| value_of(pair, name));
    let first = found.next()?;
    if found.next().is_some() { None } else { std::str::from_utf8(first).ok() }
}

/// The value of a pair `name=value`, if it has this name.
fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    (pair[..at].trim_ascii() == name.as_bytes()).then(|| pair[at + 1..].trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn cookies_are_http_only_and_over_https_bound_to_the_host() {
        let token = Token::random(&SystemEntropy);
        let text = |secure| Cookies::new(secure).set_browser(&token).unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(false), format!("latchkey_browser={}; HttpOnly; SameSite=Lax; Path=/", token.encode()));
        assert_eq!(
            text(true),
            format!("__Host-latchkey_browser={}; HttpOnly; SameSite=Lax; Secure; Path=/", token.encode())
        );
    }

    #[test]
    fn a_duplicate_cookie_is_ignored() {
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

    #[test]
    fn cookies_of_other_programs_do_not_hide_ours() {
        let token = Token::random(&SystemEntropy);
        for others in [&b"n=\xc3\xa9; "[..], b"\xff\xfe; ", b"=; ;; ", b"x; y=\x80=; "] {
            let line = [others, b"latchkey_session=", token.encode().as_bytes(), b"; z=\xe9"].concat();
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_bytes(&line).unwrap());
            assert_eq!(Cookies::new(false).session(&headers), Some(token.clone()), "{others:?}");
        }
    }
}
