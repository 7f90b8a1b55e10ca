use super::client::client_of;
use super::language::preferred;
use super::security_headers::clear_storage;
use super::state::AppState;
use crate::server::Unavailable;
use crate::server::auth::{
    Caller, CurrentUser, Error, NewSession, RenewedSession, Requested, SignUpFields, SignUpForm, view,
};
use crate::server::model::{Client, ClientAddress};
use crate::server::secret::Token;
use crate::types::{ApiError, Language, Next, Notice, paths, views};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::convert::Infallible;
use std::sync::Arc;

/// The context of a request: its caller, browser and session.
#[derive(Clone)]
pub struct RequestContext {
    pub state: AppState,
    /// Identifies the browser for ceremonies.
    pub browser: Option<Token>,
    /// The token of the email that this browser requested.
    pub email: Option<Token>,
    pub session: Option<Token>,
    /// The token of the user that this browser remembers.
    pub known: Option<Token>,
    /// The pending authorization request of this browser.
    pub pending: Option<Token>,
    pub language: Language,
    agent: Option<HeaderValue>,
    from: ClientAddress,
    /// The user of the session, if a layer has read it already.
    current_user: Option<Arc<CurrentUser>>,
}

/// A request extension with the user of its session, so that it is read once.
#[derive(Clone)]
pub struct CachedUser(pub Arc<CurrentUser>);

impl FromRequestParts<AppState> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::new(state, &parts.headers, &parts.extensions))
    }
}

impl RequestContext {
    #[must_use]
    pub fn new(state: &AppState, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let cookies = &state.cookies;
        Self {
            browser: cookies.browser(headers),
            email: cookies.email(headers),
            session: cookies.session(headers),
            known: cookies.known(headers),
            pending: cookies.pending(headers),
            language: cookies.language(headers).unwrap_or_else(|| preferred(headers)),
            agent: headers.get(header::USER_AGENT).cloned(),
            from: state.proxies.client(extensions, headers),
            current_user: extensions.get::<CachedUser>().map(|CachedUser(current_user)| Arc::clone(current_user)),
            state: state.clone(),
        }
    }

    /// Inside a server function: the request that called it.
    #[must_use]
    pub fn current() -> Self {
        expect_context()
    }

    /// The caller.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            client: self.client(),
            language: self.language,
            address: self.from,
            browser: self.browser.clone(),
            email: self.email.clone(),
            known: self.known.clone(),
            session: self.session.clone(),
        }
    }

    /// The caller with a browser token, for ceremonies, and the cookie to send if the token is new.
    #[must_use]
    pub fn caller_with_browser(&self) -> (Caller, Option<HeaderValue>) {
        let (browser, cookie) = self.browser_or_new();
        (Caller { browser: Some(browser), ..self.caller() }, cookie)
    }

    /// The address of the client.
    #[must_use]
    pub fn from(&self) -> ClientAddress {
        self.from
    }

    /// The signed-in user of this browser, if there is one.
    pub async fn current_user(&self) -> Result<Option<CurrentUser>, Unavailable> {
        match (&self.current_user, &self.session) {
            (Some(current_user), _) => Ok(Some(CurrentUser::clone(current_user))),
            (None, Some(token)) => self.state.sessions().current_user(token).await,
            (None, None) => Ok(None),
        }
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// `signed_out` without a valid session, `reauthentication_required` if it may only add a passkey.
    pub async fn require_user(&self) -> Result<CurrentUser, ApiError> {
        let current_user = self.require_session().await?;
        if self.state.sessions().is_confined(&current_user) {
            Err(ApiError::ReauthenticationRequired)
        } else {
            Ok(current_user)
        }
    }

    /// The signed-in user, even if the session may only add a passkey.
    ///
    /// # Errors
    /// `signed_out` without a valid session.
    pub async fn require_session(&self) -> Result<CurrentUser, ApiError> {
        self.current_user().await?.ok_or(ApiError::SignedOut)
    }

    /// Browser and system, from the `User-Agent`.
    #[must_use]
    pub fn client(&self) -> Client {
        client_of(self.agent.as_ref())
    }

    /// Sends the new token of a session to the browser.
    pub fn renewed(&self, renewed: &RenewedSession) -> Result<views::OneSession, ApiError> {
        send_cookies(self.state.cookies.set_session(&renewed.session, &renewed.token));
        Ok(views::OneSession { session: raw(&view::session(&renewed.session, true))? })
    }

    /// Sends a new session to the browser: its token in the cookie, the rest in the response.
    pub fn signed_in(&self, new: &NewSession, next: &Next) -> Result<views::SignedIn, ApiError> {
        send_cookies(self.signed_in_cookies(new));
        Ok(views::SignedIn {
            user: raw(&view::user(&new.user))?,
            session: raw(&view::session(&new.session, true))?,
            next: next.to_string(),
        })
    }

    /// The cookies of a new session. It ends the pending email request.
    #[must_use]
    pub fn signed_in_cookies(&self, new: &NewSession) -> Vec<HeaderValue> {
        let ended = self.email.as_ref().and_then(|_| self.state.cookies.end_email());
        self.state.cookies.set_signed_in(new).chain(ended).collect()
    }

    /// The way back to the application that the user came from, or else the account page.
    #[must_use]
    pub fn pending_next(&self) -> Next {
        let pending = self.pending.as_ref().map(|request| paths::continue_with(&request.encode()));
        Next::or_account(pending.as_deref())
    }

    /// Whether the user chose a language in this browser.
    #[must_use]
    pub fn has_chosen_language(&self, headers: &HeaderMap) -> bool {
        self.state.cookies.language(headers).is_some()
    }

    /// Requests a sign-up email.
    ///
    /// # Errors
    /// When email sign-in is off, a field is invalid, the name is taken, or a backend is unavailable.
    pub async fn request_sign_up(&self, fields: SignUpFields<'_>) -> Result<Requested, Error> {
        let form = SignUpForm::parse(fields);
        self.state.sign_up().request_email(&self.caller(), form, self.pending_next()).await
    }

    /// Inside a server function: shows a notice on the next page.
    pub fn send_notice(&self, notice: Notice) {
        send_cookies(self.state.cookies.set_notice(notice));
    }

    /// Ends the browser's session, if it has one, and its email request; returns the cookies that remove their tokens.
    ///
    /// # Errors
    /// When the database is unavailable; then the session and the cookies remain.
    pub async fn sign_out(&self) -> Result<Vec<HeaderValue>, Unavailable> {
        if let Some(token) = &self.session {
            self.state.sessions().sign_out(token).await?;
        }
        let renewed = self.renew_browser().await?;
        Ok(self.state.cookies.end_session().into_iter().chain(renewed).collect())
    }

    /// Prepares the browser for its next user: voids its email request and gives it a new token, which makes a copy of
    /// the old one worthless.
    pub async fn renew_browser(&self) -> Result<Vec<HeaderValue>, Unavailable> {
        self.state.email_requests().void(self.email.as_ref()).await?;
        let cookies = &self.state.cookies;
        let email = self.email.as_ref().and_then(|_| cookies.end_email());
        let browser = self.browser.as_ref().and_then(|_| cookies.set_browser(&self.state.browsers().new_token()));
        Ok(email.into_iter().chain(browser).collect())
    }

    /// The token of this browser, and the cookie to send if the token is new.
    #[must_use]
    pub fn browser_or_new(&self) -> (Token, Option<HeaderValue>) {
        if let Some(token) = &self.browser {
            return (token.clone(), None);
        }
        let token = self.state.browsers().new_token();
        let cookie = self.state.cookies.set_browser(&token);
        (token, cookie)
    }
}

/// A view as JSON text.
pub fn raw(view: &impl Serialize) -> Result<Box<RawValue>, ApiError> {
    to_raw_value(view).map_err(|cause| Unavailable::new("view", cause).into())
}

/// Inside a server function: adds cookies to the response.
pub fn send_cookies(cookies: impl IntoIterator<Item = HeaderValue>) {
    let response = expect_context::<ResponseOptions>();
    for cookie in cookies {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// Inside a server function: clears the site's storage in the browser.
pub fn answer_clearing_storage() {
    let mut headers = HeaderMap::new();
    clear_storage(&mut headers);
    for (name, value) in &headers {
        expect_context::<ResponseOptions>().insert_header(name.clone(), value.clone());
    }
}

/// Inside a server function: makes browsers save the response as a file.
pub fn respond_as_attachment(name: &str) {
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        expect_context::<ResponseOptions>().insert_header(header::CONTENT_DISPOSITION, value);
    }
}

/// Inside a server function: answers 202 instead of 200 (RFC 9110, section 15.3.3).
pub fn answer_accepted() {
    expect_context::<ResponseOptions>().set_status(StatusCode::ACCEPTED);
}
