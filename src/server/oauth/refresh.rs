//! Refresh tokens (RFC 6749, section 6; RFC 9700, section 4.14.2): rotated for public clients, fixed for confidential
//! clients.

use super::client_authentication::AuthenticatedClient;
use super::error::{ErrorCode, Refusal};
use super::keys::SigningKeys;
use super::parameters::Parameters;
use super::token::{NOT_ALLOWED, TokenInput, TokenResponse, Tokens};
use crate::server::Unavailable;
use crate::server::auth::account::AccountUnit;
use crate::server::model::oauth::grant::refreshed_until;
use crate::server::model::oauth::{Grant, RefreshToken, Scope, Scopes};
use crate::server::model::{Client, EventKind};
use crate::server::secret::Token;
use crate::server::store::Unit;

const INVALID_TOKEN: Refusal = Refusal::invalid_grant("the refresh token is unknown, expired or revoked");

/// The outcome of using a refresh token.
enum Use {
    /// The client gets this token: the same one, or its successor.
    Accepted(Token),
    /// It was used before, and its successor was used too or a minute has passed: it was probably stolen.
    Reused,
}

impl Tokens<'_> {
    pub(super) async fn exchange_refresh_token(
        &self,
        authenticated: &AuthenticatedClient,
        parameters: &Parameters,
    ) -> Result<TokenResponse, Refusal> {
        let AuthenticatedClient { application, client, .. } = authenticated;
        let text = parameters.one("refresh_token").ok_or(Refusal::invalid_request("refresh_token is missing"))?;
        let token = Token::decode(text).ok_or(INVALID_TOKEN)?;
        let now = self.core.now();
        let found = self.core.store.refresh_token(&token.hash(), now).await?;
        let found = found.filter(|(active_grant, _)| active_grant.grant.application == application.id);
        let (active_grant, _) = found.ok_or(INVALID_TOKEN)?;
        let (grant, user) = (active_grant.grant, active_grant.user);
        let scopes = narrow_scopes(&grant, parameters.one("scope"))?;
        let found = self.core.store.application_for(&application.id, user.id).await?;
        let (application, facts) = found.ok_or(NOT_ALLOWED)?;
        let assurance = self.check_policy(&application, (&user, &facts), &grant.authentication)?;
        // The account is locked first, as in all code that ends grants: a different order could deadlock.
        let unit = AccountUnit::lock(self.core, user.id, Client::UNKNOWN).await?;
        let mut unit = unit.filter(|unit| unit.user.disabled_at.is_none()).ok_or(INVALID_TOKEN)?;
        if !unit.lock_grant(grant.id).await? {
            return Err(INVALID_TOKEN);
        }
        let sent = unit.reread_refresh_token(&token.hash()).await?.ok_or(INVALID_TOKEN)?;
        let next = if client.is_public {
            self.rotate(&mut *unit, &grant, (&token, sent)).await?
        } else {
            Use::Accepted(token)
        };
        let Use::Accepted(next) = next else {
            end_reused_grant(unit, &grant, application.name.as_str()).await?;
            return Err(INVALID_TOKEN);
        };
        let grant = Grant { ends_at: refreshed_until(grant.created_at, now), ..grant };
        let token_input = TokenInput {
            client,
            user: &user,
            groups: &facts.groups,
            grant: &grant,
            scopes: &scopes,
            assurance,
            nonce: None,
            refresh_token: Some(next.encode()),
        };
        let (answer, issued) = self.make(token_input)?;
        unit.extend_grant(grant.id, grant.ends_at).await?;
        unit.add_access_token(grant.id, &issued).await?;
        unit.commit().await?;
        Ok(answer)
    }

    /// Uses a refresh token of a locked grant. The successor is derived from it, so that a client that missed the
    /// response can get the successor again: for a minute, while the successor is unused.
    async fn rotate(
        &self,
        unit: &mut dyn Unit,
        grant: &Grant,
        (token, sent): (&Token, RefreshToken),
    ) -> Result<Use, Unavailable> {
        let keys = SigningKeys { core: self.core }.current()?;
        let hash = keys.permanent_key().hash(&[b"refresh", grant.id.0.as_bytes(), token.encode().as_bytes()]);
        let (next, now) = (Token::from_bytes(hash), self.core.now());
        let known = unit.reread_refresh_token(&next.hash()).await?;
        let is_used = known.is_some_and(|known| known.used_at.is_some());
        if is_used || !sent.is_in_grace(now) {
            return Ok(Use::Reused);
        }
        unit.use_refresh_token(&token.hash(), now).await?;
        let successor = RefreshToken { hash: next.hash(), created_at: now, used_at: None };
        unit.add_refresh_token(grant.id, &successor).await?;
        Ok(Use::Accepted(next))
    }
}

/// Ends a grant whose refresh token was used by two parties, and records it in the user's activity.
async fn end_reused_grant(mut unit: AccountUnit<'_>, grant: &Grant, application: &str) -> Result<(), Unavailable> {
    if unit.end_grant(grant.id).await? {
        unit.record(EventKind::RefreshTokenReused, Some(application.to_owned())).await?;
        unit.commit().await?;
        let Grant { id, application, .. } = grant;
        tracing::warn!(grant = %id.0, %application, "refresh token reused; its grant was revoked");
    }
    Ok(())
}

/// The scopes of the new access token: those of the grant, or fewer (RFC 6749, section 6).
fn narrow_scopes(grant: &Grant, requested: Option<&str>) -> Result<Scopes, Refusal> {
    let Some(requested) = requested.map(Scopes::parse) else { return Ok(grant.scopes.clone()) };
    if requested.is_subset(&grant.scopes) && requested.iter().any(|scope| scope != Scope::OfflineAccess) {
        Ok(requested)
    } else {
        Err(Refusal::new(ErrorCode::InvalidScope, "scope exceeds the scopes that the user granted"))
    }
}
