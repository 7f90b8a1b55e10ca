//! Who may sign up.

use super::Auth;
use super::sign_up::BeginSignUpError;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::config::SignUp;
use crate::server::secret::{Token, TokenHash};
use crate::server::store::Unit;

/// Why somebody may not sign up (setting `SIGN_UP`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInvited {
    /// Nobody may.
    Off,
    /// Only with an invitation, and this one is unknown, used up or too old.
    InvitationRequired,
}

impl Auth {
    /// Whether somebody who comes with this link may sign up. Nothing is used up by asking.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn may_sign_up(&self, invite: Option<&str>) -> Result<Result<(), NotInvited>, Unavailable> {
        let link = invite.and_then(Token::from_link).as_ref().map(Token::hash);
        self.is_invited(link.as_ref()).await
    }

    /// As [`Auth::may_sign_up`], before anything is begun that would be refused in the end.
    pub(super) async fn check_invitation(&self, link: Option<&TokenHash>) -> Result<(), BeginSignUpError> {
        Ok(self.is_invited(link).await??)
    }

    pub(super) async fn is_invited(&self, link: Option<&TokenHash>) -> Result<Result<(), NotInvited>, Unavailable> {
        match (self.sign_up, link) {
            (SignUp::Open, _) => Ok(Ok(())),
            (SignUp::Off, _) => Ok(Err(NotInvited::Off)),
            (SignUp::Invite, None) => Ok(Err(NotInvited::InvitationRequired)),
            (SignUp::Invite, Some(link)) => {
                let Some(invitation) = self.store.invitation(link).await? else {
                    return Ok(Err(NotInvited::InvitationRequired));
                };
                if self.clock.now() >= invitation.expires_at {
                    // It stays expired when the clock is set back.
                    let mut unit = self.store.begin().await?;
                    unit.remove_invitation(invitation.id).await?;
                    unit.commit().await?;
                }
                Ok(if invitation.is_open(self.clock.now()) { Ok(()) } else { Err(NotInvited::InvitationRequired) })
            }
        }
    }

    /// Uses an invitation up, by one, in the unit of work that makes the account.
    pub(super) async fn use_invitation(
        &self,
        unit: &mut dyn Unit,
        link: Option<&TokenHash>,
        now: Timestamp,
    ) -> Result<Result<(), NotInvited>, Unavailable> {
        Ok(match (self.sign_up, link) {
            (SignUp::Open, _) => Ok(()),
            (SignUp::Off, _) => Err(NotInvited::Off),
            (SignUp::Invite, Some(link)) if unit.use_invitation(link, now).await? => Ok(()),
            (SignUp::Invite, _) => Err(NotInvited::InvitationRequired),
        })
    }
}
