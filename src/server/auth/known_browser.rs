//! Browsers that remember who signed in last, and whether they want a passkey of their own.

use super::{Auth, CurrentUser};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::browser::{DECLINED, REMEMBERED};
use crate::server::model::session::Method;
use crate::server::model::{KnownBrowser, User, UserId};
use crate::server::secret::Token;
use crate::server::store::Unit;

impl Auth {
    /// Remembers who signs in with a browser, under a new token at each sign-in; tells whether that is nothing new.
    pub(super) async fn remember(
        &self,
        unit: &mut dyn Unit,
        user: UserId,
        known: Option<&Token>,
        now: Timestamp,
    ) -> Result<(Token, bool), Unavailable> {
        let token = Token::random(&*self.entropy);
        let browser = known_browser(&token, user, now);
        if let Some(former) = known.map(Token::hash) {
            if let Some(is_recognised) = unit.renew_browser(&former, &browser).await? {
                return Ok((token, is_recognised));
            }
            // It was another user's, or made up: a token is known only when it was given out by us, to this user.
            unit.forget_browser(&former).await?;
        }
        unit.remember_browser(&browser).await?;
        Ok((token, false))
    }

    /// Who signed in last with this browser.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn remembered(&self, known: Option<&Token>) -> Result<Option<User>, Unavailable> {
        let Some(token) = known else { return Ok(None) };
        let found = self.store.known_browser(&token.hash()).await?;
        Ok(found.filter(|(browser, _)| browser.is_alive(self.clock.now())).map(|(_, user)| user))
    }

    /// Who knows this browser: as [`Auth::remembered`], unless something happened since after which every browser is new
    /// to them.
    ///
    /// # Errors
    /// When the database is away.
    pub(super) async fn recognised(&self, known: Option<&Token>) -> Result<Option<User>, Unavailable> {
        let Some(token) = known else { return Ok(None) };
        let found = self.store.known_browser(&token.hash()).await?;
        let is_recognised = |browser: &KnownBrowser| browser.recognised && browser.is_alive(self.clock.now());
        Ok(found.filter(|(browser, _)| is_recognised(browser)).map(|(_, user)| user))
    }

    /// Forgets who signed in last with this browser.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget(&self, known: Option<&Token>) -> Result<(), Unavailable> {
        let Some(token) = known else { return Ok(()) };
        // Nothing is written where there is nothing to forget.
        if self.store.known_browser(&token.hash()).await?.is_none() {
            return Ok(());
        }
        let mut unit = self.store.begin().await?;
        unit.forget_browser(&token.hash()).await?;
        unit.commit().await
    }

    /// Whether to offer a passkey for this device: after a sign-in with something else, unless declined lately.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn offers_passkey(&self, current_user: &CurrentUser, known: Option<&Token>) -> Result<bool, Unavailable> {
        if !current_user.session.offers_passkey || !self.can_add(current_user).await? {
            return Ok(false);
        }
        // Where making one is all that is left to do, it is offered however often it was declined.
        if matches!(current_user.session.method, Method::Recovery | Method::BreakGlass)
            || self.is_confined(current_user)
        {
            return Ok(true);
        }
        let Some(token) = known else { return Ok(true) };
        let found = self.store.known_browser(&token.hash()).await?;
        Ok(!found.is_some_and(|(browser, _)| {
            browser.user_id == current_user.user.id && browser.has_declined(self.clock.now())
        }))
    }

    /// "Not now": not asked again in this browser for 30 days.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn decline_offer(&self, current_user: &CurrentUser, known: Option<&Token>) -> Result<(), Unavailable> {
        let mut unit = self.store.begin().await?;
        unit.end_offer(current_user.session.id, false).await?;
        if let Some(token) = known {
            unit.decline_offer(&token.hash(), current_user.user.id, self.clock.now().plus(DECLINED)).await?;
        }
        unit.commit().await
    }
}

/// A browser in which somebody signs in now.
pub(super) fn known_browser(token: &Token, user_id: UserId, now: Timestamp) -> KnownBrowser {
    KnownBrowser {
        token_hash: token.hash(),
        user_id,
        expires_at: now.plus(REMEMBERED),
        declined_until: None,
        recognised: true,
    }
}
