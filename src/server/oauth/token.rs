//! The token endpoint: a code or a refresh token in, tokens out (RFC 6749, sections 4.1.3 and 6).

use super::claims::Subject;
use super::client_authentication::{AuthenticatedClient, ClientRequest, authenticate, fail};
use super::code;
use super::error::{ErrorCode, Refusal};
use super::id_token::{Statement, sid};
use super::keys::SigningKeys;
use super::parameters::Parameters;
use crate::server::Unavailable;
use crate::server::access::{Access, Facts, Verdict, decide};
use crate::server::auth::account::Profile;
use crate::server::core::Core;
use crate::server::model::assurance::{Assurance, Authentication};
use crate::server::model::oauth::grant::{TOKEN_LIFE, refreshed_until};
use crate::server::model::oauth::{Client, Grant, GrantId, IssuedToken, RefreshToken, Scope, Scopes};
use crate::server::model::{Application, GroupName, Session, User};
use crate::server::secret::Token;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The token endpoint.
pub struct Tokens<'a> {
    pub(in crate::server) core: &'a Core,
}

/// The answer (RFC 6749, section 5.1; OpenID Connect Core, section 3.1.3.3).
#[derive(Clone, Debug, Serialize)]
pub struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    /// What was granted; left out where it is nothing (RFC 6749, section 3.3: a scope has a word).
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// A grant for which tokens are made, with what goes into them.
pub(super) struct Making<'a> {
    pub client: &'a Client,
    pub user: &'a User,
    /// As [`Tokens::groups_for`] read them.
    pub groups: &'a BTreeSet<GroupName>,
    pub grant: &'a Grant,
    pub scopes: &'a Scopes,
    pub assurance: Assurance,
    pub nonce: Option<&'a str>,
    pub refresh_token: Option<String>,
}

const NO_CODE: Refusal = Refusal::invalid_grant("the code is unknown, expired, or was used before");

impl Tokens<'_> {
    /// Answers a request of an application.
    ///
    /// # Errors
    /// As the application gets it.
    #[tracing::instrument(skip_all)]
    pub async fn answer(&self, request: &ClientRequest<'_>) -> Result<TokenAnswer, Refusal> {
        if request.parameters.repeated(&["resource"]).is_some() {
            return Err(Refusal::invalid_request("a parameter is repeated"));
        }
        // Before anything is taken: without keys no answer could be given.
        SigningKeys { core: self.core }.current()?;
        let authenticated = authenticate(self.core, request).await?;
        let answered = match request.parameters.one("grant_type") {
            Some("authorization_code") => self.by_code(&authenticated, request.parameters).await,
            Some("refresh_token") => self.by_refresh_token(&authenticated, request.parameters).await,
            Some(_) => Err(Refusal::new(ErrorCode::UnsupportedGrantType, "unknown grant_type")),
            None => Err(Refusal::invalid_request("grant_type is missing")),
        };
        match answered {
            Err(refusal) if refusal.code != ErrorCode::TemporarilyUnavailable => {
                fail(self.core, request, &authenticated.client.client_id, refusal).await
            }
            answered => answered,
        }
    }

    async fn by_code(
        &self,
        authenticated: &AuthenticatedClient,
        parameters: &Parameters,
    ) -> Result<TokenAnswer, Refusal> {
        let AuthenticatedClient { application, client } = authenticated;
        let text = parameters.one("code").ok_or(Refusal::invalid_request("code is missing"))?;
        let hash = Token::decode(text).ok_or(NO_CODE)?.hash();
        let Some(code) = code::take(self.core, &application.id, &hash).await? else {
            let mut unit = self.core.store.begin().await?;
            // A second use: the first one may have been a thief's (RFC 6749, section 4.1.2).
            if unit.end_grant_of_code(&hash, &application.id).await? {
                unit.commit().await?;
                tracing::warn!(application = %application.id, "authorization code used twice; its tokens are ended");
            }
            return Err(NO_CODE);
        };
        if parameters.one("redirect_uri") != Some(&code.redirect_uri) {
            return Err(Refusal::invalid_grant("redirect_uri differs from that of the authorization request"));
        }
        check_verifier(code.challenge.as_deref(), parameters.one("code_verifier"))?;
        let found = self.core.store.session_of_id(code.session()).await?;
        let now = self.core.now();
        let is_same = |(session, _): &(Session, User)| {
            session.is_alive(now) && session.authenticated_at.unix_millis() >= code.authenticated_at
        };
        let (session, user) =
            found.filter(is_same).ok_or(Refusal::invalid_grant("the session expired or was revoked"))?;
        let authentication = Authentication::of(&session);
        let assurance = Access { core: self.core }.assurance(&user, &authentication).await?;
        let keys = SigningKeys { core: self.core }.current()?;
        let scopes = Scopes::parse(&code.scopes);
        let is_offline = scopes.has(Scope::OfflineAccess);
        let refreshes = is_offline || client.refreshes;
        let grant = Grant {
            id: GrantId::random(self.core.entropy()),
            user_id: user.id,
            application: application.id.clone(),
            session: (!is_offline).then_some(session.id),
            code_hash: hash,
            sid: sid(&keys, session.id, &application.id),
            scopes: scopes.clone(),
            claims: code.claims.clone(),
            authentication,
            created_at: now,
            ends_at: if refreshes { refreshed_until(now, now) } else { now.plus(TOKEN_LIFE) },
        };
        let refresh_token = refreshes.then(|| self.core.token());
        let making = Making {
            client,
            user: &user,
            groups: &self.groups_for(&scopes, &user).await?,
            grant: &grant,
            scopes: &scopes,
            assurance,
            nonce: code.nonce.as_deref(),
            refresh_token: refresh_token.as_ref().map(Token::encode),
        };
        let (answer, issued) = self.make(making)?;
        let mut unit = self.core.store.begin().await?;
        // An administrator who disables the account meanwhile comes before or after, and finds the grant.
        let gone = Refusal::invalid_grant("the session expired or was revoked");
        let locked = unit.lock_user(user.id).await?.filter(|user| user.disabled_at.is_none()).ok_or(gone)?;
        // The policy may be changed meanwhile as well.
        let policy = unit.application_within(&application.id, user.id).await?;
        allowed(policy, &locked, assurance)?;
        if !unit.add_grant(&grant, session.id).await? {
            return Err(gone);
        }
        if scopes.has(Scope::Profile) {
            let profile = Profile { core: self.core };
            profile.hold_for_ever(&mut *unit, &user).await?;
            // Renamed meanwhile: userinfo will give this one.
            if locked.username != user.username {
                profile.hold_for_ever(&mut *unit, &locked).await?;
            }
        }
        unit.add_access_token(grant.id, &issued).await?;
        if let Some(token) = refresh_token {
            let token = RefreshToken { hash: token.hash(), created_at: now, used_at: None };
            unit.add_refresh_token(grant.id, &token).await?;
            unit.trim_grants(user.id, &application.id).await?;
        }
        unit.commit().await?;
        Ok(answer)
    }

    /// Whether the user may still use the application, at every use (docs/RULES.md, 18).
    pub(super) async fn check_policy(
        &self,
        authenticated: &AuthenticatedClient,
        user: &User,
        authentication: &Authentication,
    ) -> Result<Assurance, Refusal> {
        let found = self.core.store.application_for(&authenticated.application.id, user.id).await?;
        let assurance = Access { core: self.core }.assurance(user, authentication).await?;
        allowed(found, user, assurance)
    }

    /// The groups that an ID token may name; read before a unit of work begins, since a request never holds two connections.
    pub(super) async fn groups_for(&self, scopes: &Scopes, user: &User) -> Result<BTreeSet<GroupName>, Unavailable> {
        if scopes.has(Scope::OpenId) { self.core.store.groups_of(user.id).await } else { Ok(BTreeSet::new()) }
    }

    /// Makes an access token and, for OpenID Connect, an ID token.
    pub(super) fn make(&self, making: Making<'_>) -> Result<(TokenAnswer, IssuedToken), Unavailable> {
        let Making { client, user, groups, grant, scopes, assurance, nonce, refresh_token } = making;
        let (now, token) = (self.core.now(), self.core.token());
        let access_token = token.encode();
        let expires_at = now.plus(TOKEN_LIFE).min(grant.ends_at);
        let issued = IssuedToken { hash: token.hash(), scopes: scopes.clone(), created_at: now, expires_at };
        let id_token = if grant.scopes.has(Scope::OpenId) {
            let statement = Statement {
                issuer: &self.core.policy.issuer,
                client,
                grant,
                subject: Subject { user, groups },
                assurance,
                nonce,
                access_token: &access_token,
                now,
            };
            Some(statement.sign(&*SigningKeys { core: self.core }.current()?)?)
        } else {
            None
        };
        let answer = TokenAnswer {
            access_token,
            token_type: "Bearer",
            expires_in: expires_at.since(now).as_secs(),
            refresh_token,
            id_token,
            scope: Some(scopes.to_string()).filter(|scope| !scope.is_empty()),
        };
        Ok((answer, issued))
    }
}

/// Whether the policy allows a user an application that was read with their groups.
fn allowed(
    found: Option<(Application, BTreeSet<GroupName>)>,
    user: &User,
    assurance: Assurance,
) -> Result<Assurance, Refusal> {
    let refused = Refusal::invalid_grant("the user may no longer use this application");
    let (application, groups) = found.ok_or(refused)?;
    match decide(Facts { user, application: &application, groups: &groups, assurance, asked_at: None }) {
        Verdict::Allowed => Ok(assurance),
        Verdict::Refused(_) => Err(refused),
    }
}

/// Checks the proof of a code challenge (RFC 7636, section 4.6). A verifier without a challenge is refused, too: the challenge may
/// have been taken out of the request (RFC 9700, section 4.8.2).
fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), Refusal> {
    let is_verifier = |text: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        (43..=128).contains(&text.len()) && text.bytes().all(is_plain)
    };
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier))
            if is_verifier(verifier) && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge =>
        {
            Ok(())
        }
        (Some(_), Some(_)) => Err(Refusal::invalid_grant("code_verifier does not fit the code_challenge")),
        (Some(_), None) => Err(Refusal::invalid_grant("code_verifier is missing")),
        (None, Some(_)) => Err(Refusal::invalid_grant("code_verifier for a request without a code_challenge")),
    }
}
