use super::client::client_of;
use super::cookies::Cookies;
use crate::server::Unavailable;
use crate::server::auth::{Arrival, Auth, Opened, Visitor};
use crate::server::config::PublicUrl;
use crate::server::secret::Token;
use crate::types::{ApiError, Next, views};
use axum::http::{HeaderMap, HeaderValue, header};
use leptos::prelude::{LeptosOptions, expect_context};
use leptos_axum::ResponseOptions;
use std::sync::Arc;

/// What every handler shares.
#[derive(Clone)]
pub struct AppState {
    pub auth: Arc<Auth>,
    pub public_url: Arc<PublicUrl>,
    pub leptos: LeptosOptions,
    pub cookies: Cookies,
}

/// One request, as far as ceremonies care: who asks, from which browser, with which session.
#[derive(Clone)]
pub struct RequestContext {
    pub state: AppState,
    pub browser: Option<Token>,
    pub session: Option<Token>,
    client: views::Client,
}

impl RequestContext {
    #[must_use]
    pub fn new(state: &AppState, headers: &HeaderMap) -> Self {
        let cookies = &state.cookies;
        Self {
            browser: cookies.browser(headers),
            session: cookies.session(headers),
            client: client_of(headers),
            state: state.clone(),
        }
    }

    /// Inside a server function: the request that called it.
    #[must_use]
    pub fn current() -> Self {
        expect_context()
    }

    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.state.auth
    }

    #[must_use]
    pub fn arrival(&self, keep: Option<bool>) -> Arrival {
        Arrival { client: self.client.clone(), keep: keep.unwrap_or(false), previous: self.session.clone() }
    }

    /// Who is signed in in this browser.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn visitor(&self) -> Result<Option<Visitor>, Unavailable> {
        match &self.session {
            Some(token) => self.auth().visitor(token).await,
            None => Ok(None),
        }
    }

    /// As [`Self::visitor`], for what needs one.
    ///
    /// # Errors
    /// `signed_out` without a living session.
    pub async fn require_visitor(&self) -> Result<Visitor, ApiError> {
        self.visitor().await?.ok_or(ApiError::SignedOut)
    }

    /// Hands a new session to the browser: its token into the cookie, the rest into the answer.
    #[must_use]
    pub fn signed_in(&self, opened: &Opened, next: &Next) -> views::SignedIn {
        send_cookie(self.state.cookies.set_session(opened));
        views::SignedIn { user: opened.user.view(), session: opened.session.view(true), next: next.to_string() }
    }

    /// Ends the browser's session, if it has one; gives the cookie that takes its token away.
    ///
    /// # Errors
    /// When the database is away: then the session lives and the cookie stays.
    pub async fn sign_out(&self) -> Result<Option<HeaderValue>, Unavailable> {
        if let Some(token) = &self.session {
            self.auth().sign_out(token).await?;
        }
        Ok(self.state.cookies.end_session())
    }

    /// The token that names this browser; the second is the cookie to send when it had none yet.
    #[must_use]
    pub fn browser_or_new(&self) -> (Token, Option<HeaderValue>) {
        if let Some(token) = &self.browser {
            return (token.clone(), None);
        }
        let token = Token::random(&*self.auth().entropy);
        let cookie = self.state.cookies.set_browser(&token);
        (token, cookie)
    }
}

/// Inside a server function: adds a cookie to the answer.
pub fn send_cookie(cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, cookie);
    }
}
