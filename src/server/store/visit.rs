use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::oauth::Scopes;
use crate::server::model::{Application, ApplicationId, SessionId, UserId};
use async_trait::async_trait;

/// An application that a user may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserApplication {
    pub application: Application,
    /// When a current session of the user first signed in to it.
    pub since: Option<Timestamp>,
    /// When a current session of the user last signed in to it.
    pub used_at: Option<Timestamp>,
    /// Whether it has access now, through a session that is signed in to it or a grant that outlives sessions.
    pub has_access: bool,
    /// The scopes that the user has granted.
    pub consent: Option<Scopes>,
}

/// Reads of visits: which session signed in to which application.
#[async_trait]
pub trait VisitReads: Send + Sync {
    /// At most `limit` enabled applications that a user may use, ordered by id, starting after `after`.
    async fn applications_of(
        &self,
        user: UserId,
        after: Option<&ApplicationId>,
        limit: u32,
    ) -> Result<Vec<UserApplication>, Unavailable>;

    /// The names of the applications that each session of a user signed in to.
    async fn visits_of(&self, user: UserId) -> Result<Vec<(SessionId, String)>, Unavailable>;
}

/// Writes of visits.
#[async_trait]
pub trait VisitWrites: Send {
    /// Ends the visits of a user at one application or all, and queues a logout notice for each; returns how many.
    async fn end_visits(
        &mut self,
        user: UserId,
        application: Option<&ApplicationId>,
        now: Timestamp,
    ) -> Result<u64, Unavailable>;
}
