//! The userinfo endpoint (OpenID Connect Core, section 5.3), and introspection and revocation of tokens.

use super::claims::{Subject, scope_claims, seconds};
use super::client_authentication::{AuthenticatedClient, ClientRequest, authenticate};
use super::error::{ErrorCode, Refusal};
use super::token::Tokens;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::limiter::Subject as LimitSubject;
use crate::server::model::oauth::Scope;
use crate::server::model::{Application, ClientAddress, limit};
use crate::server::secret::Token;
use crate::server::store::{ActiveGrant, UserFacts, ValidAccessToken};
use serde_json::{Map, Value};

/// The endpoints that accept tokens.
pub struct Resources<'a> {
    pub(in crate::server) core: &'a Core,
}

const INVALID_TOKEN: Refusal = Refusal::new(ErrorCode::InvalidToken, "the access token is unknown, expired or revoked");

impl Resources<'_> {
    /// The claims of an access token's user.
    ///
    /// # Errors
    /// `invalid_token`, `insufficient_scope` without `openid`, or an unavailable backend.
    #[tracing::instrument(skip_all)]
    pub async fn userinfo(&self, access_token: &str, from: ClientAddress) -> Result<Map<String, Value>, Refusal> {
        let Some(ValidAccessToken { active_grant, token, client, facts, .. }) = self.valid(access_token).await? else {
            self.core.limiter.draw(&limit::CLIENT_FAILURES, LimitSubject::Client(from)).await?;
            return Err(INVALID_TOKEN);
        };
        if !token.scopes.has(Scope::OpenId) {
            return Err(Refusal::new(ErrorCode::InsufficientScope, "the access token lacks the scope openid"));
        }
        let subject = Subject { user: &active_grant.user, groups: &facts.groups };
        let mut claims = scope_claims(subject, &token.scopes, &client);
        claims.insert("sub".to_owned(), active_grant.user.id.encode().into());
        Ok(claims)
    }

    /// Looks up an access token; `None` if it is invalid, or the policy no longer allows its user.
    async fn valid(&self, access_token: &str) -> Result<Option<ValidAccessToken>, Unavailable> {
        let Some(token) = Token::decode(access_token) else { return Ok(None) };
        let found = self.core.store.access_token(&token.hash(), self.core.now()).await?;
        Ok(found.filter(|found| self.is_allowed(&found.application, (&found.active_grant, &found.facts))))
    }

    /// Whether the policy still allows the user.
    fn is_allowed(&self, application: &Application, (active_grant, facts): (&ActiveGrant, &UserFacts)) -> bool {
        let ActiveGrant { grant, user } = active_grant;
        Tokens { core: self.core }.check_policy(application, (user, facts), &grant.authentication).is_ok()
    }

    /// Tells a confidential application whether one of its tokens is valid (RFC 7662).
    ///
    /// # Errors
    /// When the application is not authenticated or not confidential, the token is missing, or a backend is
    /// unavailable.
    pub async fn introspect(&self, request: &ClientRequest<'_>) -> Result<Map<String, Value>, Refusal> {
        let AuthenticatedClient { application, client, .. } = authenticate(self.core, request, None).await?;
        let text = request.parameters.one("token").ok_or(Refusal::invalid_request("token is missing"))?;
        let inactive = Map::from_iter([("active".to_owned(), Value::Bool(false))]);
        if client.is_public {
            return Err(Refusal::new(ErrorCode::UnauthorizedClient, "public clients cannot introspect tokens"));
        }
        if let Some(found) = self.valid(text).await? {
            return Ok(if found.application.id == application.id { self.description(&found) } else { inactive });
        }
        let Some(token) = Token::decode(text) else { return Ok(inactive) };
        let found = self.core.store.refresh_token(&token.hash(), self.core.now()).await?;
        let own = found
            .filter(|(active_grant, sent)| active_grant.grant.application == application.id && sent.used_at.is_none());
        let Some((active_grant, _)) = own else { return Ok(inactive) };
        let found = self.core.store.application_for(&application.id, active_grant.user.id).await?;
        if !found.is_some_and(|(application, facts)| self.is_allowed(&application, (&active_grant, &facts))) {
            return Ok(inactive);
        }
        let mut answer = Map::new();
        let mut put = |name: &str, value: Value| drop(answer.insert(name.to_owned(), value));
        put("active", true.into());
        put("client_id", client.client_id.as_str().into());
        put("sub", active_grant.user.id.encode().into());
        put("scope", active_grant.grant.scopes.to_string().into());
        put("exp", seconds(active_grant.grant.ends_at).into());
        Ok(answer)
    }

    fn description(&self, found: &ValidAccessToken) -> Map<String, Value> {
        let ValidAccessToken { active_grant, token, client, .. } = found;
        let mut answer = Map::new();
        let mut put = |name: &str, value: Value| drop(answer.insert(name.to_owned(), value));
        put("active", true.into());
        put("scope", token.scopes.to_string().into());
        put("client_id", client.client_id.as_str().into());
        if token.scopes.has(Scope::Profile) {
            put("username", active_grant.user.username.as_str().into());
        }
        put("token_type", "Bearer".into());
        put("exp", seconds(token.expires_at).into());
        put("iat", seconds(token.created_at).into());
        put("sub", active_grant.user.id.encode().into());
        put("aud", client.client_id.as_str().into());
        put("iss", self.core.policy.issuer.as_str().into());
        answer
    }

    /// Revokes a token (RFC 7009); revoking a refresh token ends its whole grant. Unknown tokens, and those of other
    /// applications, are silently ignored.
    ///
    /// # Errors
    /// When the application is not authenticated, the token is missing, or a backend is unavailable.
    pub async fn revoke(&self, request: &ClientRequest<'_>) -> Result<(), Refusal> {
        let AuthenticatedClient { application, .. } = authenticate(self.core, request, None).await?;
        let text = request.parameters.one("token").ok_or(Refusal::invalid_request("token is missing"))?;
        let Some(token) = Token::decode(text) else { return Ok(()) };
        let (hash, now, store) = (token.hash(), self.core.now(), &self.core.store);
        let of_access = store.access_token(&hash, now).await?.map(|found| found.active_grant.grant);
        let of_refresh = store.refresh_token(&hash, now).await?.map(|(active_grant, _)| active_grant.grant);
        let (grant, is_access) = match (of_access, of_refresh) {
            (Some(grant), _) => (grant, true),
            (None, Some(grant)) => (grant, false),
            (None, None) => return Ok(()),
        };
        if grant.application != application.id {
            return Ok(());
        }
        let mut unit = store.begin().await?;
        if is_access {
            unit.end_access_token(&hash).await?;
        } else {
            unit.end_grant(grant.id).await?;
        }
        unit.commit().await?;
        Ok(())
    }
}
