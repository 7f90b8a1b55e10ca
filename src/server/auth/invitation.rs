//! Who may sign up (setting `SIGN_UP`).

use super::error::Error;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::config::SignUp;
use crate::server::core::Core;
use crate::server::model::{Invitation, InvitationId};
use crate::server::secret::{Token, TokenHash};
use crate::server::store::Unit;
use crate::server::telemetry::AUDIT;
use crate::types::ApiError;
use std::time::Duration;

/// Invitations to sign up.
pub struct Invitations<'a> {
    pub(super) core: &'a Core,
}

impl Invitations<'_> {
    /// Whether a visitor with this link may sign up. Nothing is used up by asking.
    ///
    /// # Errors
    /// `sign_up_off` or `invitation_required`; when the database is away.
    pub async fn check_link(&self, invite: Option<&str>) -> Result<(), Error> {
        let link = invite.and_then(Token::from_link).as_ref().map(Token::hash);
        self.check(link.as_ref()).await
    }

    /// As [`Self::check_link`], before anything is begun that would be refused in the end.
    pub(super) async fn check(&self, link: Option<&TokenHash>) -> Result<(), Error> {
        let link = match (self.core.policy.sign_up, link) {
            (SignUp::Open, _) => return Ok(()),
            (SignUp::Off, _) => return Err(ApiError::SignUpOff.into()),
            (SignUp::Invite, None) => return Err(ApiError::InvitationRequired.into()),
            (SignUp::Invite, Some(link)) => link,
        };
        let invitation = self.core.store.invitation(link).await?.ok_or(ApiError::InvitationRequired)?;
        if self.core.now() >= invitation.expires_at {
            // It stays expired when the clock is set back.
            let mut unit = self.core.store.begin().await?;
            unit.remove_invitation(invitation.id).await?;
            unit.commit().await?;
        }
        if invitation.is_open(self.core.now()) { Ok(()) } else { Err(ApiError::InvitationRequired.into()) }
    }

    /// Uses an invitation up, by one, in the unit of work that makes the account.
    pub(super) async fn use_up(
        &self,
        unit: &mut dyn Unit,
        link: Option<&TokenHash>,
        now: Timestamp,
    ) -> Result<(), Error> {
        match (self.core.policy.sign_up, link) {
            (SignUp::Open, _) => Ok(()),
            (SignUp::Off, _) => Err(ApiError::SignUpOff.into()),
            (SignUp::Invite, Some(link)) if unit.use_invitation(link, now).await? => Ok(()),
            (SignUp::Invite, _) => Err(ApiError::InvitationRequired.into()),
        }
    }

    /// Makes an invitation; the token goes into its link and nowhere else.
    #[tracing::instrument(skip_all)]
    pub async fn create(
        &self,
        note: Option<String>,
        uses: u32,
        life: Duration,
    ) -> Result<(Invitation, Token), Unavailable> {
        let (invitation, token) = Invitation::new(note, uses, life, self.core.issuer());
        let mut unit = self.core.store.begin().await?;
        unit.add_invitation(&invitation).await?;
        unit.commit().await?;
        tracing::info!(target: AUDIT, invitation = %invitation.id.0, uses, event = "invitation_made", "invitation_made");
        Ok((invitation, token))
    }

    /// Withdraws an invitation; `false` when there is none of that id.
    #[tracing::instrument(skip_all)]
    pub async fn withdraw(&self, id: InvitationId) -> Result<bool, Unavailable> {
        let mut unit = self.core.store.begin().await?;
        let is_there = unit.remove_invitation(id).await?;
        unit.commit().await?;
        if is_there {
            tracing::info!(target: AUDIT, invitation = %id.0, event = "invitation_withdrawn", "invitation_withdrawn");
        }
        Ok(is_there)
    }

    /// At most `limit` invitations, the newest first, those that were made before a certain one if it is given.
    pub async fn page(&self, before: Option<&Invitation>, limit: u32) -> Result<Vec<Invitation>, Unavailable> {
        self.core.store.invitations(before, limit).await
    }
}
