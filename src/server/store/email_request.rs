use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::UserId;
use crate::server::model::email_request::{EmailRequest, OpenRequest, PurposeKind, RequestId};
use crate::server::model::outbox::OutgoingEmail;
use crate::server::secret::TokenHash;
use crate::types::EmailAddress;
use async_trait::async_trait;

/// Reads of requests for emails, and what becomes of them with time.
#[async_trait]
pub trait EmailRequestReads: Send + Sync {
    /// The request whose email has this link, open or not.
    async fn request_by_link(&self, link: &TokenHash) -> Result<Option<OpenRequest>, Unavailable>;

    /// The newest request of a browser that signs in or up.
    async fn request_of_browser(&self, browser: &TokenHash) -> Result<Option<OpenRequest>, Unavailable>;

    /// The newest request of an account that has this purpose.
    async fn newest_request(&self, user: UserId, purpose: PurposeKind) -> Result<Option<OpenRequest>, Unavailable>;

    /// The requests of an account that are still open, newest first; at most [`super::MOST_LISTED`].
    async fn requests_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<OpenRequest>, Unavailable>;

    /// Removes requests that expired before `now`, at most `limit`, and returns how many.
    async fn remove_expired_requests(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of requests for emails.
#[async_trait]
pub trait EmailRequestWrites: Send {
    /// Writes a request and queues its email.
    async fn add_email(&mut self, request: &EmailRequest, email: &OutgoingEmail) -> Result<(), Unavailable>;

    /// Writes a request whose link no email carries.
    async fn add_open_link(&mut self, request: &EmailRequest, link: &TokenHash) -> Result<(), Unavailable>;

    /// Removes what a browser requested to sign in or up, as [`Self::void_requests_of_browser`], but waits for no other
    /// unit: for units that have locked a request already.
    async fn remove_requests_of_browser(&mut self, browser: &TokenHash) -> Result<(), Unavailable>;

    /// Voids what a browser requested before to sign in or up, and holds off others of the same browser until the unit
    /// ends.
    async fn void_requests_of_browser(&mut self, browser: &TokenHash) -> Result<(), Unavailable>;

    /// Voids what an account requested before for the same purpose.
    async fn void_requests(&mut self, user: UserId, purpose: PurposeKind) -> Result<(), Unavailable>;

    /// Voids every request of an account.
    async fn void_requests_of_user(&mut self, user: UserId) -> Result<(), Unavailable>;

    /// Counts one typed code and returns how many are left; `None` when none was.
    async fn use_try(&mut self, id: RequestId) -> Result<Option<u32>, Unavailable>;

    /// Ends a request; of several that try at once, one gets `true`.
    async fn take_request(&mut self, id: RequestId) -> Result<bool, Unavailable>;

    /// How many other requests for an account are open, made by browsers that it does not know.
    async fn count_open_requests(
        &mut self,
        user: UserId,
        except: RequestId,
        now: Timestamp,
    ) -> Result<u32, Unavailable>;

    /// Records whose account a request is about and where its email goes.
    async fn assign_request(&mut self, id: RequestId, user: UserId, address: &EmailAddress) -> Result<(), Unavailable>;
}
