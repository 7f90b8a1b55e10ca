//! Reads, decides and answers authorization requests.

use super::code::{self, CodeBinding};
use super::decide::{Decision, DecisionInput, SignedIn, decide};
use super::error::{ErrorCode, Refusal};
use super::hint::{self, Hint};
use super::parameters::Parameters;
use super::request::{self, AuthorizationRequest, NoRedirect, ReturnTo};
use crate::server::Unavailable;
use crate::server::access::Access;
use crate::server::auth::account::{OwnerUnit, Sessions};
use crate::server::auth::{CurrentUser, Error};
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::limiter::{LimitError, Subject};
use crate::server::model::assurance::Authentication;
use crate::server::model::oauth::{Client, ConsentRule, Mismatch, RedirectUri, Scopes};
use crate::server::model::{Application, ApplicationId, ClientAddress, UserId, limit};
use crate::server::secret::Token;
use crate::server::store::{ClientWithSession, SessionFacts, UserFacts};

/// The authorization endpoint.
pub struct Authorizations<'a> {
    pub(in crate::server) core: &'a Core,
}

/// A valid authorization request with its client and the signed-in user.
#[derive(Clone, Debug)]
pub struct ResolvedRequest {
    pub application: Application,
    pub client: Client,
    pub request: AuthorizationRequest,
    /// The user whom `id_token_hint` names.
    hinted: Option<UserId>,
    /// The signed-in user, read together with the client; also `None` if the request was read without a session token.
    pub current: Option<CurrentUser>,
    /// The facts about the signed-in user.
    facts: UserFacts,
    /// The scopes that the signed-in user allowed the application.
    consent: Option<Scopes>,
}

impl ResolvedRequest {
    /// Whether `id_token_hint`, or `sub` in `claims`, names a different user.
    #[must_use]
    pub fn names_another_user(&self, current: &CurrentUser) -> bool {
        let subjects = self.request.claims.subjects.as_ref();
        self.hinted.is_some_and(|hinted| hinted != current.user.id)
            || subjects.is_some_and(|subjects| !subjects.contains(&current.user.id.encode()))
    }
}

/// The result of reading a request.
pub enum Reading {
    Resolved(Box<ResolvedRequest>),
    /// The application gets an error.
    Refused(ReturnTo, Refusal),
    /// The application gets no response: a page tells the user.
    NoRedirect(UnredirectableRequest),
}

/// A request whose client or redirect URI is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnredirectableRequest {
    /// The reference in the log, on the page and in `latchkey apps show`.
    pub reference: String,
    pub why: NoRedirect,
    /// The name of the application, if the client is known, and the registered URI most similar to the requested one.
    pub application: Option<(String, Option<String>)>,
    /// The refused redirect URI, for the administrator.
    mismatch: Option<(ApplicationId, Mismatch)>,
}

/// The user's progress with a request.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub began_at: Timestamp,
    pub has_chosen: bool,
    pub has_allowed: bool,
}

impl Progress {
    /// A request that has just arrived.
    #[must_use]
    pub fn new(began_at: Timestamp) -> Self {
        Self { began_at, has_chosen: false, has_allowed: false }
    }
}

/// The response to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub return_to: ReturnTo,
    /// Always with `iss` (RFC 9207).
    pub parameters: Vec<(&'static str, String)>,
}

impl Answer {
    fn new(return_to: ReturnTo, issuer: &str, own: Vec<(&'static str, String)>) -> Self {
        let state = return_to.state.clone().map(|state| ("state", state));
        let parameters = own.into_iter().chain(state).chain([("iss", issuer.to_owned())]).collect();
        Self { return_to, parameters }
    }
}

impl Authorizations<'_> {
    /// Reads a request, starting with the client and the redirect URI (docs/RULES.md, 12 and 21). The session of the
    /// browser's token is read together with the client.
    ///
    /// # Errors
    /// When the database is unavailable, or the first signing keys are still being generated.
    pub async fn read(&self, parameters: &Parameters, session: Option<&Token>) -> Result<Reading, Unavailable> {
        let Ok(client_id) = request::client_id(parameters) else {
            return Ok(Reading::NoRedirect(self.unredirectable(None, NoRedirect::UnknownClient)));
        };
        let found = self.core.store.client_by_id(client_id, session.map(Token::hash).as_ref()).await?;
        let Some(ClientWithSession { application, client, session, consent }) = found else {
            return Ok(Reading::NoRedirect(self.unredirectable(None, NoRedirect::UnknownClient)));
        };
        let return_to = match request::return_to(parameters, &client) {
            Ok(return_to) => return_to,
            Err(why) => {
                return Ok(Reading::NoRedirect(self.unredirectable(Some((&application, &client)), why)));
            }
        };
        let request = match AuthorizationRequest::parse(parameters, &client, return_to.clone()) {
            Ok(request) => request,
            Err(refusal) => return Ok(Reading::Refused(return_to, refusal)),
        };
        let hint = match &request.id_token_hint {
            None => Hint::Absent,
            Some(token) => hint::read(self.core, token)?,
        };
        let hinted = match hint {
            Hint::Absent => None,
            Hint::Of { user, client_id, .. } if client_id == client.client_id => Some(user),
            Hint::Of { .. } | Hint::Invalid => {
                let refusal = Refusal::invalid_request("id_token_hint is not an ID token of this issuer");
                return Ok(Reading::Refused(return_to, refusal));
            }
        };
        let (current, facts) = match session {
            None => (None, UserFacts::default()),
            Some(SessionFacts { session, user, facts }) => {
                (Sessions { core: self.core }.check_alive(CurrentUser { user, session }).await?, facts)
            }
        };
        Ok(Reading::Resolved(Box::new(ResolvedRequest {
            application,
            client,
            request,
            hinted,
            current,
            facts,
            consent,
        })))
    }

    /// Logs a request that cannot be redirected, under a new reference.
    fn unredirectable(&self, known: Option<(&Application, &Client)>, why: NoRedirect) -> UnredirectableRequest {
        let mut bytes = [0; 5];
        self.core.entropy().fill(&mut bytes);
        let reference = bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let application = known.map_or("unknown", |(application, _)| application.id.as_str());
        let requested_uri = match &why {
            NoRedirect::RedirectUriError(Some(uri)) => Some(uri.as_str()),
            NoRedirect::RedirectUriError(None) | NoRedirect::UnknownClient => None,
        };
        let place =
            requested_uri.map(|uri| Mismatch::without_values(uri).split('?').next().unwrap_or_default().to_owned());
        let place = place.unwrap_or_default();
        tracing::warn!(reference, application, redirect_uri = place, "authorization request not redirected");
        let Some((application, client)) = known else {
            return UnredirectableRequest { reference, why, application: None, mismatch: None };
        };
        let mismatch = requested_uri.map(|uri| {
            let uri = Mismatch::without_values(uri);
            (application.id.clone(), Mismatch { uri, reference: reference.clone(), happened_at: self.core.now() })
        });
        let application = Some((application.name.to_string(), requested_uri.and_then(|uri| nearest(client, uri))));
        UnredirectableRequest { reference, why, application, mismatch }
    }

    /// Records a refused redirect URI for administrators, limited per client address.
    pub async fn record(&self, unredirectable: &UnredirectableRequest, from: ClientAddress) -> Result<(), Unavailable> {
        let Some((application, mismatch)) = &unredirectable.mismatch else { return Ok(()) };
        match self.core.limiter.draw(&limit::MISMATCHES, Subject::Client(from)).await {
            Ok(()) => self.core.store.record_mismatch(application, mismatch).await,
            Err(LimitError::TooMany(_)) => Ok(()),
            Err(LimitError::Unavailable(cause)) => Err(cause),
        }
    }

    /// Decides the next step of a request.
    #[must_use]
    pub fn decide(&self, resolved: &ResolvedRequest, progress: Progress) -> Decision {
        let session = resolved.current.as_ref().map(|current| self.signed_in(resolved, current));
        let Progress { began_at, has_chosen, has_allowed } = progress;
        let (request, now) = (&resolved.request, self.core.now());
        decide(&DecisionInput { request, began_at, session, has_chosen, has_allowed, now })
    }

    fn signed_in(&self, resolved: &ResolvedRequest, current: &CurrentUser) -> SignedIn {
        let access = Access { core: self.core };
        let authentication = Authentication::from_session(&current.session);
        let (person, now) = ((&current.user, &resolved.facts), Some(self.core.now()));
        let (assurance, verdict) = access.judge(person, &resolved.application, (&authentication, now));
        SignedIn {
            assurance,
            verdict,
            has_passkey: access.assurance_input(&resolved.facts.passkeys).has_settled_passkey(),
            matches_hint: !resolved.names_another_user(current),
            needs_consent: resolved.client.needs_consent(&resolved.request.scopes, resolved.consent.as_ref()),
        }
    }

    /// Answers with a code.
    pub async fn answer(&self, resolved: &ResolvedRequest, current: &CurrentUser) -> Result<Answer, Unavailable> {
        let authenticated_at = current.session.authenticated_at.unix_millis();
        let binding = CodeBinding { request: &resolved.request, session: current.session.id, authenticated_at };
        let code = code::issue(self.core, &resolved.application.id, binding).await?;
        let (return_to, issuer) = (resolved.request.return_to.clone(), &self.core.policy.issuer);
        Ok(Answer::new(return_to, issuer, vec![("code", code)]))
    }

    /// Answers with an error.
    #[must_use]
    pub fn refuse(&self, return_to: ReturnTo, refusal: Refusal) -> Answer {
        let description = refusal.description.to_owned();
        let own = vec![("error", refusal.code.name().to_owned()), ("error_description", description)];
        Answer::new(return_to, &self.core.policy.issuer, own)
    }

    /// Stores the user's consent if the application asks for it once.
    ///
    /// # Errors
    /// When the session expired or was revoked, or the database is unavailable.
    pub async fn allow(&self, resolved: &ResolvedRequest, current: &CurrentUser) -> Result<(), Error> {
        if resolved.client.consent != ConsentRule::Once {
            return Ok(());
        }
        let (user, application) = (current.user.id, &resolved.application.id);
        let OwnerUnit { mut unit, .. } = OwnerUnit::begin(self.core, current).await?;
        let given = unit.reread_consent(user, application).await?.unwrap_or_default();
        let scopes = given.union(&resolved.request.scopes);
        unit.put_consent(user, application, (&scopes, self.core.now())).await?;
        Ok(unit.commit().await?)
    }
}

/// The refusal for the error code of a decision, with a description for developers.
#[must_use]
pub fn describe(code: ErrorCode) -> Refusal {
    Refusal::new(
        code,
        match code {
            ErrorCode::AccessDenied => "the user may not use this application, or cancelled the request",
            ErrorCode::ConsentRequired => "the user has to give consent",
            ErrorCode::LoginRequired => "the user has to sign in",
            ErrorCode::UnmetAuthenticationRequirements => "the user cannot authenticate with the required acr",
            _ => "the request was refused",
        },
    )
}

/// The registered redirect URI that shares the longest prefix with `requested_uri`.
fn nearest(client: &Client, requested_uri: &str) -> Option<String> {
    let common = |uri: &str| uri.bytes().zip(requested_uri.bytes()).take_while(|(own, other)| own == other).count();
    client.redirect_uris.iter().map(RedirectUri::as_str).max_by_key(|uri| common(uri)).map(str::to_owned)
}
