//! The redemption of authorization codes (RFC 6749, section 4.1.3).

use super::client_authentication::AuthenticatedClient;
use super::code::{self, Code, SentCode};
use super::error::{ErrorCode, Refusal};
use super::id_token::sid;
use super::keys::SigningKeys;
use super::parameters::Parameters;
use super::token::{NOT_ALLOWED, TokenInput, TokenResponse, Tokens};
use crate::server::Unavailable;
use crate::server::access::{PolicyInput, Verdict, decide};
use crate::server::auth::account::Profile;
use crate::server::model::application::Audience;
use crate::server::model::assurance::{Assurance, Authentication};
use crate::server::model::oauth::grant::{TOKEN_LIFE, refreshed_until};
use crate::server::model::oauth::{Client, ConsentRule, Grant, GrantId, RefreshToken, Scope, Scopes};
use crate::server::model::{ApplicationId, Session};
use crate::server::secret::{Token, TokenHash};
use crate::server::store::{RedemptionRecord, SessionFacts};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

const INVALID_CODE: Refusal = Refusal::invalid_grant("the code is unknown, expired, or already used");
const SESSION_ENDED: Refusal = Refusal::invalid_grant("the session expired or was revoked");

impl Tokens<'_> {
    pub(super) async fn exchange_code(
        &self,
        authenticated: &AuthenticatedClient,
        (parameters, sent): (&Parameters, Option<SentCode>),
    ) -> Result<TokenResponse, Refusal> {
        let application = &authenticated.application;
        parameters.one("code").ok_or(Refusal::invalid_request("code is missing"))?;
        let SentCode { hash, .. } = sent.ok_or(INVALID_CODE)?;
        let Some(code) = code::take(self.core, &application.id, &hash).await? else {
            self.end_grant_of(&hash, &application.id).await?;
            return Err(INVALID_CODE);
        };
        let redeemed = self.redeem(authenticated, parameters, (&code, hash)).await;
        if redeemed.as_ref().is_err_and(|refusal| refusal.code == ErrorCode::TemporarilyUnavailable)
            && let Err(cause) = code::put_back(self.core, &application.id, (&code, &hash)).await
        {
            tracing::warn!(%cause, "authorization code lost");
        }
        redeemed
    }

    /// Exchanges a code that was taken from the store for tokens.
    async fn redeem(
        &self,
        authenticated: &AuthenticatedClient,
        parameters: &Parameters,
        (code, hash): (&Code, TokenHash),
    ) -> Result<TokenResponse, Refusal> {
        let AuthenticatedClient { application, client, session: read, consent } = authenticated;
        if parameters.one("redirect_uri") != Some(&code.redirect_uri) {
            return Err(Refusal::invalid_grant("redirect_uri differs from the authorization request"));
        }
        check_verifier(code.challenge.as_deref(), parameters.one("code_verifier"))?;
        let now = self.core.now();
        let is_session_of_code = |SessionFacts { session, .. }: &SessionFacts| {
            session.is_alive(now) && session.authenticated_at.unix_millis() >= code.authenticated_at
        };
        let is_read = read.as_ref().is_some_and(|read| read.session.id == code.session());
        let (found, consent) = if is_read {
            (read.clone(), consent.clone())
        } else {
            // No matching session was read with the client: it has ended, or the secret key changed after the code was
            // issued.
            let again = self.core.store.client_with_secrets(&client.client_id, Some(code.session())).await?;
            again.map_or((None, None), |again| (again.session, again.consent))
        };
        let SessionFacts { session, user, facts } = found.filter(is_session_of_code).ok_or(SESSION_ENDED)?;
        let assurance = self.check_policy(application, (&user, &facts), &Authentication::from_session(&session))?;
        let grant = self.grant((code, hash), (client, &session))?;
        // The user withdrew consent after the code was issued.
        if client.consent == ConsentRule::Once && client.needs_consent(&grant.scopes, consent.as_ref()) {
            return Err(NOT_ALLOWED);
        }
        let refresh_token = client.gets_refresh_token(&grant.scopes).then(|| self.core.token());
        let token_input = TokenInput {
            client,
            user: &user,
            groups: &facts.groups,
            grant: &grant,
            scopes: &grant.scopes,
            assurance,
            nonce: code.nonce.as_deref(),
            refresh_token: refresh_token.as_ref().map(Token::encode),
        };
        let (answer, issued) = self.make(token_input)?;
        let refresh_token =
            refresh_token.map(|token| RefreshToken { hash: token.hash(), created_at: now, used_at: None });
        let learns_name = grant.scopes.has(Scope::Profile);
        let username_hash =
            learns_name.then(|| Profile { core: self.core }.required_permanent_hash(&user.username)).transpose()?;
        let record = RedemptionRecord {
            grant: &grant,
            session: session.id,
            token: &issued,
            refresh_token: refresh_token.as_ref(),
            user: &user,
            application,
            member_of: match &application.policy.who {
                Audience::Groups(names) => names.intersection(&facts.groups).next(),
                Audience::Closed | Audience::Everybody => None,
            },
            username_hash,
        };
        if !self.core.store.record_redemption(record).await? {
            self.record_in_unit(record, assurance).await?;
        }
        Ok(answer)
    }

    /// Ends the tokens of a code that is used twice: the first use may have been an attacker's (RFC 6749, section
    /// 4.1.2).
    async fn end_grant_of(&self, code: &TokenHash, application: &ApplicationId) -> Result<(), Unavailable> {
        let mut unit = self.core.store.begin().await?;
        if unit.end_grant_of_code(code, application).await? {
            unit.commit().await?;
            tracing::warn!(%application, "authorization code reused; its tokens were revoked");
        }
        Ok(())
    }

    /// Creates the grant for a code.
    fn grant(
        &self,
        (code, hash): (&Code, TokenHash),
        (client, session): (&Client, &Session),
    ) -> Result<Grant, Unavailable> {
        let (now, scopes) = (self.core.now(), Scopes::parse(&code.scopes));
        let refreshes = client.gets_refresh_token(&scopes);
        Ok(Grant {
            id: GrantId::random(self.core.entropy()),
            user_id: session.user_id,
            application: client.application.clone(),
            session: (!scopes.has(Scope::OfflineAccess)).then_some(session.id),
            code_hash: hash,
            sid: sid(&*SigningKeys { core: self.core }.current()?, session.id, &client.application),
            scopes,
            claims: code.claims.clone(),
            authentication: Authentication::from_session(session),
            created_at: now,
            ends_at: if refreshes { refreshed_until(now, now) } else { now.plus(TOKEN_LIFE) },
        })
    }

    /// Records a redemption in a unit of work, because the account, policy or groups changed after they were read. They
    /// are reread under locks, so that an administrator who removes access either comes first or finds the grant.
    async fn record_in_unit(&self, record: RedemptionRecord<'_>, assurance: Assurance) -> Result<(), Refusal> {
        let RedemptionRecord { grant, session, token, refresh_token, user, application, .. } = record;
        let mut unit = self.core.store.begin().await?;
        let locked = unit.lock_user(user.id).await?.filter(|user| user.disabled_at.is_none()).ok_or(SESSION_ENDED)?;
        let (policy, groups) = unit.application_within(&application.id, user.id).await?.ok_or(NOT_ALLOWED)?;
        let input = PolicyInput { user: &locked, application: &policy, groups: &groups, assurance, answered_at: None };
        if decide(input) != Verdict::Allowed {
            return Err(NOT_ALLOWED);
        }
        if !unit.add_grant(grant, session).await? {
            return Err(SESSION_ENDED);
        }
        if grant.scopes.has(Scope::Profile) {
            let profile = Profile { core: self.core };
            profile.hold_permanently(&mut *unit, user).await?;
            // The user was renamed in the meantime; userinfo will return the new name.
            if locked.username != user.username {
                profile.hold_permanently(&mut *unit, &locked).await?;
            }
        }
        unit.add_access_token(grant.id, token).await?;
        if let Some(token) = refresh_token {
            unit.add_refresh_token(grant.id, token).await?;
            unit.trim_grants(user.id, &application.id).await?;
        }
        Ok(unit.commit().await?)
    }
}

/// Checks a code verifier (RFC 7636, section 4.6). A verifier without a challenge is refused too: an attacker may have
/// removed the challenge from the request (RFC 9700, section 4.8.2).
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
        (Some(_), Some(_)) => Err(Refusal::invalid_grant("code_verifier does not match the code_challenge")),
        (Some(_), None) => Err(Refusal::invalid_grant("code_verifier is missing")),
        (None, Some(_)) => Err(Refusal::invalid_grant("code_verifier sent without a code_challenge")),
    }
}
