//! Administrators' actions on accounts. Each is logged and appears in the account's activity.

use super::account::AccountUnit;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::email_request::{EmailRequest, Purpose, PurposeKind, RequestedBy};
use crate::server::model::notification::Occasion;
use crate::server::model::{Client, EventKind, Passkey, Session, User, UserId};
use crate::server::secret::Token;
use crate::server::store::AccountSummary;
use crate::types::{Identifier, Next};

/// Administration of accounts.
pub struct Administration<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Administration<'_> {
    /// At most `limit` accounts, sorted by name; only those after the name `after`, if it is given.
    pub async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<AccountSummary>, Unavailable> {
        self.core.store.accounts(after, limit).await
    }

    /// The account with this username or confirmed address.
    pub async fn named(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable> {
        self.core.store.account_by_identifier(identifier).await
    }

    /// An account with its passkeys and sessions; `None` if it does not exist.
    pub async fn account(
        &self,
        user: UserId,
    ) -> Result<Option<(AccountSummary, Vec<Passkey>, Vec<Session>)>, Unavailable> {
        let Some(summary) = self.core.store.account(user).await? else { return Ok(None) };
        Ok(Some((summary, self.core.store.passkeys(user).await?, self.core.store.sessions(user).await?)))
    }

    /// Whether the owner of an account is notified of administrators' actions.
    #[must_use]
    pub fn notifies(&self) -> bool {
        self.core.email().can_send()
    }

    /// Creates a link that signs a user in once, in any browser, and replaces any earlier link; the owner is notified.
    /// `None` if the account does not exist or is disabled.
    #[tracing::instrument(skip_all)]
    pub async fn make_sign_in_link(&self, user: UserId) -> Result<Option<Token>, Unavailable> {
        let unit = self.lock(user).await?.filter(|unit| unit.user.disabled_at.is_none());
        let Some(mut unit) = unit else { return Ok(None) };
        let token = self.core.token();
        unit.void_requests(user, PurposeKind::BreakGlass).await?;
        // No browser requested the link, so this is the hash of a token that no one has.
        let browser = self.core.token().hash();
        let by = RequestedBy { browser, client: Client::UNKNOWN, language: unit.user.language };
        let next = Next::or_account(None);
        let request = EmailRequest::new(Purpose::BreakGlass { user }, by, next, self.core.issuer());
        unit.add_request_without_email(&request, &token.hash()).await?;
        unit.record(EventKind::SignInLinkCreated, None).await?;
        unit.notify(Occasion::SignInLinkCreated, None).await?;
        unit.commit().await?;
        Ok(Some(token))
    }

    /// Disables an account, which ends its sessions and voids its open emails, or enables it again. `None` if it does
    /// not exist.
    #[tracing::instrument(skip_all)]
    pub async fn set_disabled(&self, user: UserId, disabled: bool) -> Result<Option<User>, Unavailable> {
        let Some(mut unit) = self.lock(user).await? else { return Ok(None) };
        if unit.user.disabled_at.is_some() == disabled {
            return Ok(Some(unit.user));
        }
        let since = disabled.then(|| self.core.now());
        unit.set_disabled(user, since).await?;
        // Also when the account is enabled, to end sessions and emails that slipped in meanwhile.
        unit.end_all_sessions(user, self.core.now()).await?;
        unit.void_requests_of_user(user).await?;
        unit.end_grants(user, None).await?;
        let kind = if disabled { EventKind::AccountDisabled } else { EventKind::AccountEnabled };
        unit.record(kind, None).await?;
        let changed = User { disabled_at: since, ..unit.user.clone() };
        unit.commit().await?;
        Ok(Some(changed))
    }

    /// Ends all sessions of an account and returns how many; `None` if it does not exist.
    #[tracing::instrument(skip_all)]
    pub async fn end_sessions(&self, user: UserId) -> Result<Option<u64>, Unavailable> {
        let Some(mut unit) = self.lock(user).await? else { return Ok(None) };
        let ended = unit.end_all_sessions(user, self.core.now()).await?;
        if ended > 0 {
            unit.record(EventKind::SessionsEndedByAdministrator, None).await?;
        }
        unit.commit().await?;
        Ok(Some(ended))
    }

    /// At most `limit` users with sessions, sorted by id; only those after the id `after`, if it is given.
    pub async fn users_with_sessions(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        self.core.store.owners_of_sessions(after, limit).await
    }

    /// Records no client: administrators use the server's command line, not a browser.
    async fn lock(&self, user: UserId) -> Result<Option<AccountUnit<'_>>, Unavailable> {
        AccountUnit::lock(self.core, user, Client::UNKNOWN).await
    }
}
