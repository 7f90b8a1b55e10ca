use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::UserId;
use crate::server::model::email_queue::OutgoingEmail;
use crate::server::model::email_request::{EmailRequest, OpenRequest, PurposeKind, RequestId};
use crate::server::secret::TokenHash;
use crate::types::EmailAddress;
use async_trait::async_trait;

/// Reads of email requests, and removal of expired ones.
#[async_trait]
pub trait EmailRequestReads: Send + Sync {
    /// The request with this link, whether or not it is still open.
    async fn request_by_link(&self, link: &TokenHash) -> Result<Option<OpenRequest>, Unavailable>;

    /// The newest sign-in or sign-up request of a browser.
    async fn request_of_browser(&self, browser: &TokenHash) -> Result<Option<OpenRequest>, Unavailable>;

    /// The newest request of an account for this purpose.
    async fn newest_request(&self, user: UserId, purpose: PurposeKind) -> Result<Option<OpenRequest>, Unavailable>;

    /// The open requests of an account, newest first; at most [`super::MAX_LISTED`].
    async fn requests_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<OpenRequest>, Unavailable>;

    /// Removes requests that expired before `now`, at most `limit`, and returns how many.
    async fn remove_expired_requests(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of email requests.
#[async_trait]
pub trait EmailRequestWrites: Send {
    /// Adds a request and queues its email.
    async fn add_request_with_email(
        &mut self,
        request: &EmailRequest,
        email: &OutgoingEmail,
    ) -> Result<(), Unavailable>;

    /// Adds a request whose link is not sent by email.
    async fn add_request_without_email(&mut self, request: &EmailRequest, link: &TokenHash) -> Result<(), Unavailable>;

    /// Voids the sign-in and sign-up requests of a browser, like [`Self::void_requests_of_browser`], but does not
    /// wait for other units of work: for units that have already locked a request.
    async fn void_requests_of_browser_without_waiting(&mut self, browser: &TokenHash) -> Result<(), Unavailable>;

    /// Voids the sign-in and sign-up requests of a browser, and makes other units of work for the same browser wait
    /// until this one ends.
    async fn void_requests_of_browser(&mut self, browser: &TokenHash) -> Result<(), Unavailable>;

    /// Voids the requests of an account for this purpose.
    async fn void_requests(&mut self, user: UserId, purpose: PurposeKind) -> Result<(), Unavailable>;

    /// Voids every request of an account.
    async fn void_requests_of_user(&mut self, user: UserId) -> Result<(), Unavailable>;

    /// Uses up one attempt to enter the code, and returns how many are left; `None` when none was left.
    async fn use_attempt(&mut self, id: RequestId) -> Result<Option<u32>, Unavailable>;

    /// Removes a request; of several concurrent calls, one returns `true`.
    async fn take_request(&mut self, id: RequestId) -> Result<bool, Unavailable>;

    /// Counts the other open requests for an account from browsers that it does not know.
    async fn count_open_requests(
        &mut self,
        user: UserId,
        except: RequestId,
        now: Timestamp,
    ) -> Result<u32, Unavailable>;

    /// Records the account that a request is for and the address that its email goes to.
    async fn assign_request(&mut self, id: RequestId, user: UserId, address: &EmailAddress) -> Result<(), Unavailable>;
}
