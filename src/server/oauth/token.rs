//! The token endpoint: exchanges a code or a refresh token for tokens (RFC 6749, sections 4.1.3 and 6).

use super::claims::Subject;
use super::client_authentication::{ClientRequest, authenticate, fail};
use super::code::SentCode;
use super::error::{ErrorCode, Refusal};
use super::id_token::IdTokenContent;
use super::keys::SigningKeys;
use crate::server::Unavailable;
use crate::server::access::{Access, Verdict};
use crate::server::core::Core;
use crate::server::model::assurance::{Assurance, Authentication};
use crate::server::model::oauth::grant::TOKEN_LIFE;
use crate::server::model::oauth::{Client, Grant, IssuedToken, Scope, Scopes};
use crate::server::model::{Application, GroupName, User};
use crate::server::store::UserFacts;
use serde::Serialize;
use std::collections::BTreeSet;

/// The token endpoint.
pub struct Tokens<'a> {
    pub(in crate::server) core: &'a Core,
}

/// The token response (RFC 6749, section 5.1; OpenID Connect Core, section 3.1.3.3).
#[derive(Clone, Debug, Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    /// In seconds.
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    /// The granted scopes; omitted if there are none, since `scope` cannot be empty (RFC 6749, section 3.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// A grant for which tokens are issued, with the content of the tokens.
pub(super) struct TokenInput<'a> {
    pub client: &'a Client,
    pub user: &'a User,
    pub groups: &'a BTreeSet<GroupName>,
    pub grant: &'a Grant,
    pub scopes: &'a Scopes,
    pub assurance: Assurance,
    pub nonce: Option<&'a str>,
    pub refresh_token: Option<String>,
}

pub(super) const NOT_ALLOWED: Refusal = Refusal::invalid_grant("the user may no longer use this application");

impl Tokens<'_> {
    /// Answers a token request.
    ///
    /// # Errors
    /// The refusal for the application.
    #[tracing::instrument(skip_all)]
    pub async fn answer(&self, request: &ClientRequest<'_>) -> Result<TokenResponse, Refusal> {
        if request.parameters.repeated(&["resource"]).is_some() {
            return Err(Refusal::invalid_request("a parameter is repeated"));
        }
        // Checked before a code is taken: without keys no tokens could be issued.
        SigningKeys { core: self.core }.current()?;
        let grant_type = request.parameters.one("grant_type");
        let code = request.parameters.one("code").filter(|_| grant_type == Some("authorization_code"));
        let code = code.and_then(|text| SentCode::parse(self.core, text));
        let authenticated = authenticate(self.core, request, code.map(|code| code.session)).await?;
        let answered = match grant_type {
            Some("authorization_code") => self.exchange_code(&authenticated, (request.parameters, code)).await,
            Some("refresh_token") => self.exchange_refresh_token(&authenticated, request.parameters).await,
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

    /// Checks at every use that the user may still use the application (docs/RULES.md, 18); returns the assurance.
    pub(super) fn check_policy(
        &self,
        application: &Application,
        person: (&User, &UserFacts),
        authentication: &Authentication,
    ) -> Result<Assurance, Refusal> {
        match (Access { core: self.core }).judge(person, application, (authentication, None)) {
            (assurance, Verdict::Allowed) => Ok(assurance),
            (_, Verdict::Refused(_)) => Err(NOT_ALLOWED),
        }
    }

    /// Creates an access token and, for OpenID Connect, an ID token.
    pub(super) fn make(&self, token_input: TokenInput<'_>) -> Result<(TokenResponse, IssuedToken), Unavailable> {
        let TokenInput { client, user, groups, grant, scopes, assurance, nonce, refresh_token } = token_input;
        let (now, token) = (self.core.now(), self.core.token());
        let access_token = token.encode();
        let expires_at = now.plus(TOKEN_LIFE).min(grant.ends_at);
        let issued = IssuedToken { hash: token.hash(), scopes: scopes.clone(), created_at: now, expires_at };
        let id_token = if grant.scopes.has(Scope::OpenId) {
            let content = IdTokenContent {
                issuer: &self.core.policy.issuer,
                client,
                grant,
                subject: Subject { user, groups },
                assurance,
                nonce,
                access_token: &access_token,
                now,
            };
            Some(content.sign(&*SigningKeys { core: self.core }.current()?)?)
        } else {
            None
        };
        let answer = TokenResponse {
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
