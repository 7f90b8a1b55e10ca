//! Decides who may use which application, for OpenID Connect, forward-auth and the apps page.

mod decide;

pub use decide::{PolicyInput, Reason, Verdict, decide};

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::model::assurance::{Assurance, AssuranceInput, Authentication};
use crate::server::model::{Application, ApplicationId, Passkey, Session, User};
use crate::server::store::UserFacts;

/// Access to applications.
pub struct Access<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Access<'_> {
    /// Whether a user may use an application in this session now; `None` if the application does not exist.
    pub async fn check(
        &self,
        user: &User,
        session: &Session,
        id: &ApplicationId,
    ) -> Result<Option<(Application, Verdict)>, Unavailable> {
        let Some((application, facts)) = self.core.store.application_for(id, user.id).await? else { return Ok(None) };
        let answered_at = Some(self.core.now());
        let (_, verdict) =
            self.judge((user, &facts), &application, (&Authentication::from_session(session), answered_at));
        Ok(Some((application, verdict)))
    }

    /// Returns how strongly an authentication proves who its user is, and whether it lets them use an application.
    ///
    /// `answered_at`: when an authorization request is answered; `None` if the age of the authentication does not count.
    pub(in crate::server) fn judge(
        &self,
        (user, facts): (&User, &UserFacts),
        application: &Application,
        (authentication, answered_at): (&Authentication, Option<Timestamp>),
    ) -> (Assurance, Verdict) {
        let assurance = Assurance::new(authentication, self.assurance_input(&facts.passkeys));
        let verdict = decide(PolicyInput { user, application, groups: &facts.groups, assurance, answered_at });
        (assurance, verdict)
    }

    /// How strongly an authentication proves who its user is, now.
    pub async fn assurance(&self, user: &User, authentication: &Authentication) -> Result<Assurance, Unavailable> {
        let passkeys = self.core.store.passkeys(user.id).await?;
        Ok(Assurance::new(authentication, self.assurance_input(&passkeys)))
    }

    /// The facts about an account, and about this site, that decide how strong an authentication is.
    pub(in crate::server) fn assurance_input<'p>(&'p self, passkeys: &'p [Passkey]) -> AssuranceInput<'p> {
        AssuranceInput {
            passkeys,
            rp_id: self.core.rp_id(),
            email_only_recovers: self.core.email().is_recovery_only(),
            now: self.core.now(),
        }
    }
}
