//! Remembers who last signed in with a browser, and whether that user wants a passkey for the device.

use super::account::{AccountUnit, CurrentUser, Passkeys, Sessions};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::model::browser::{DECLINE_PERIOD, KNOWN_BROWSER_LIFE};
use crate::server::model::session::Method;
use crate::server::model::{KnownBrowser, User, UserId};
use crate::server::secret::Token;
use crate::server::store::Unit;

/// Known browsers.
pub struct Browsers<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Browsers<'_> {
    /// Remembers who signs in with a browser, under a new token for each sign-in; returns the token, and whether the
    /// account recognises the browser.
    pub(super) async fn remember(
        &self,
        unit: &mut dyn Unit,
        user: UserId,
        known: Option<&Token>,
    ) -> Result<(Token, bool), Unavailable> {
        let token = self.core.token();
        let browser = known_browser(&token, user, self.core.now());
        if let Some(former) = known.map(Token::hash) {
            if let Some(is_recognised) = unit.renew_browser(&former, &browser).await? {
                return Ok((token, is_recognised));
            }
            // The token was another user's, or made up: it counts only if it was issued here, to this user.
            unit.forget_browser(&former).await?;
        }
        unit.remember_browser(&browser).await?;
        Ok((token, false))
    }

    /// The user who last signed in with this browser.
    pub async fn remembered(&self, known: Option<&Token>) -> Result<Option<User>, Unavailable> {
        Ok(self.find(known).await?.map(|(_, user)| user))
    }

    /// The user whose account recognises this browser: the one of [`Self::remembered`], unless every browser has since
    /// become new to the account.
    pub(super) async fn recognised(&self, known: Option<&Token>) -> Result<Option<User>, Unavailable> {
        Ok(self.find(known).await?.filter(|(browser, _)| browser.recognised).map(|(_, user)| user))
    }

    async fn find(&self, known: Option<&Token>) -> Result<Option<(KnownBrowser, User)>, Unavailable> {
        let Some(token) = known else { return Ok(None) };
        let found = self.core.store.known_browser(&token.hash()).await?;
        Ok(found.filter(|(browser, _)| browser.is_alive(self.core.now())))
    }

    /// Forgets who last signed in with this browser.
    pub async fn forget(&self, known: Option<&Token>) -> Result<(), Unavailable> {
        let Some(token) = known else { return Ok(()) };
        // Avoids a write if there is nothing to forget.
        if self.core.store.known_browser(&token.hash()).await?.is_none() {
            return Ok(());
        }
        let mut unit = self.core.store.begin().await?;
        unit.forget_browser(&token.hash()).await?;
        unit.commit().await
    }

    /// Whether to offer a passkey for this device: after a sign-in by another method, unless recently declined.
    pub async fn offers_passkey(
        &self,
        current: &CurrentUser,
        known: Option<&Token>,
        passkeys: &Passkeys<'_>,
    ) -> Result<bool, Unavailable> {
        if !current.session.offers_passkey || !passkeys.can_add(current).await? {
            return Ok(false);
        }
        // If the session may do nothing but create a passkey, the offer stays however often it was declined.
        let is_confined = Sessions { core: self.core }.is_confined(current);
        if is_confined || matches!(current.session.method, Method::Recovery | Method::BreakGlass) {
            return Ok(true);
        }
        let Some(token) = known else { return Ok(true) };
        let found = self.core.store.known_browser(&token.hash()).await?;
        let is_declined = |(browser, _): (KnownBrowser, User)| {
            browser.user_id == current.user.id && browser.has_declined(self.core.now())
        };
        Ok(!found.is_some_and(is_declined))
    }

    /// Handles "Not now": the offer does not return in this browser for 30 days.
    pub async fn decline_offer(&self, current: &CurrentUser, known: Option<&Token>) -> Result<(), Unavailable> {
        let client = current.session.client.clone();
        let Some(mut unit) = AccountUnit::lock(self.core, current.user.id, client).await? else { return Ok(()) };
        unit.end_offer(current.session.id, false).await?;
        if let Some(token) = known {
            let until = self.core.now().plus(DECLINE_PERIOD);
            unit.decline_offer(&token.hash(), current.user.id, until).await?;
        }
        unit.commit().await
    }

    /// A new token that identifies a browser in ceremonies.
    #[must_use]
    pub fn new_token(&self) -> Token {
        self.core.token()
    }
}

/// The record of a browser in which a user signs in now.
pub(super) fn known_browser(token: &Token, user_id: UserId, now: Timestamp) -> KnownBrowser {
    KnownBrowser {
        token_hash: token.hash(),
        user_id,
        expires_at: now.plus(KNOWN_BROWSER_LIFE),
        declined_until: None,
        recognised: true,
    }
}
