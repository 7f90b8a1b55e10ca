//! Invitations, and who may sign up (setting `SIGN_UP`).

use super::error::Error;
use crate::server::Unavailable;
use crate::server::config::SignUp;
use crate::server::core::Core;
use crate::server::model::{GroupName, Invitation, InvitationId, User};
use crate::server::secret::{Token, TokenHash};
use crate::server::store::Unit;
use crate::server::telemetry::AUDIT;
use crate::types::ApiError;
use std::collections::BTreeSet;
use std::time::Duration;

/// The settings of a new invitation.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Who or what the invitation is for.
    pub note: Option<String>,
    pub uses: u32,
    pub life: Duration,
    /// The groups that users who sign up with it join.
    pub groups: BTreeSet<GroupName>,
}

/// Invitations to sign up.
pub struct Invitations<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Invitations<'_> {
    /// Checks whether a visitor with this link may sign up, without using up the invitation.
    ///
    /// # Errors
    /// `sign_up_off` or `invitation_required`; or when the database is unavailable.
    pub async fn check_link(&self, invite: Option<&str>) -> Result<(), Error> {
        let link = invite.and_then(Token::from_link).as_ref().map(Token::hash);
        self.check(link.as_ref()).await
    }

    /// Checks the hash of an invitation link, so that no sign-up begins that would be refused in the end.
    pub(super) async fn check(&self, link: Option<&TokenHash>) -> Result<(), Error> {
        let link = match (self.core.policy.sign_up, link) {
            (SignUp::Open, _) => return Ok(()),
            (SignUp::Off, _) => return Err(ApiError::SignUpOff.into()),
            (SignUp::Invite, None) => return Err(ApiError::InvitationRequired.into()),
            (SignUp::Invite, Some(link)) => link,
        };
        let invitation = self.core.store.invitation(link).await?.ok_or(ApiError::InvitationRequired)?;
        if self.core.now() >= invitation.expires_at {
            // Removed, so that it stays expired if the clock is set back.
            let mut unit = self.core.store.begin().await?;
            unit.remove_invitation(invitation.id).await?;
            unit.commit().await?;
        }
        if invitation.is_open(self.core.now()) { Ok(()) } else { Err(ApiError::InvitationRequired.into()) }
    }

    /// Admits a new account in the unit of work that creates it: takes one use of the invitation, and adds the account
    /// to the default groups and those of the invitation. While sign-up is open, an invalid invitation is ignored.
    pub(super) async fn admit(&self, unit: &mut dyn Unit, user: &User, link: Option<&TokenHash>) -> Result<(), Error> {
        let now = user.created_at;
        let used = match (self.core.policy.sign_up, link) {
            (SignUp::Off, _) => return Err(ApiError::SignUpOff.into()),
            (SignUp::Open | SignUp::Invite, Some(link)) if unit.use_invitation(link, now).await? => Some(link),
            (SignUp::Invite, _) => return Err(ApiError::InvitationRequired.into()),
            (SignUp::Open, _) => None,
        };
        Ok(unit.join_initial_groups(user.id, used, now).await?)
    }

    /// Creates an invitation; the token is only for its link. The inner error is the name of a group that does not
    /// exist.
    #[tracing::instrument(skip_all)]
    pub async fn create(&self, terms: NewInvitation) -> Result<Result<(Invitation, Token), GroupName>, Unavailable> {
        let NewInvitation { note, uses, life, groups } = terms;
        let (invitation, token) = Invitation::new(note, uses, life, self.core.issuer());
        let mut unit = self.core.store.begin().await?;
        unit.add_invitation(&invitation).await?;
        let names = groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(",");
        for group in groups {
            if !unit.add_group_to_invitation(invitation.id, &group).await? {
                return Ok(Err(group));
            }
        }
        unit.commit().await?;
        let id = invitation.id.0;
        tracing::info!(target: AUDIT, invitation = %id, uses, groups = names, event = "invitation_made", "invitation_made");
        Ok(Ok((invitation, token)))
    }

    /// Withdraws an invitation; `false` if it does not exist.
    #[tracing::instrument(skip_all)]
    pub async fn withdraw(&self, id: InvitationId) -> Result<bool, Unavailable> {
        let mut unit = self.core.store.begin().await?;
        let existed = unit.remove_invitation(id).await?;
        unit.commit().await?;
        if existed {
            tracing::info!(target: AUDIT, invitation = %id.0, event = "invitation_withdrawn", "invitation_withdrawn");
        }
        Ok(existed)
    }

    /// At most `limit` invitations, newest first; only those older than `before`, if it is given.
    pub async fn page(&self, before: Option<&Invitation>, limit: u32) -> Result<Vec<Invitation>, Unavailable> {
        self.core.store.invitations(before, limit).await
    }
}
