use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::email_request::{EmailRequest, OpenRequest, RequestId};
use crate::server::model::notification::NotificationId;
use crate::server::model::outbox::{Claim, ClaimedEmail, EmailId, OutgoingEmail};
use crate::server::model::{KnownBrowser, User, UserId};
use crate::server::secret::TokenHash;
use crate::types::EmailAddress;
use async_trait::async_trait;
use std::time::Duration;

/// A letter as the development mailbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxEmail {
    pub id: EmailId,
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub sent_at: Timestamp,
}

/// What only the bearer of a letter knows, as hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailSecrets {
    pub link_hash: TokenHash,
    /// `None` where the email carries the link alone.
    pub code_hash: Option<KeyedHash>,
}

/// Requests for letters, the outbox, and the browsers that people signed in with.
#[async_trait]
pub trait Letters: Send + Sync {
    /// The request whose letter has this link, open or not.
    async fn request_by_link(&self, link: &TokenHash) -> Result<Option<OpenRequest>, Unavailable>;

    /// The newest request of a browser that signs in or up.
    async fn request_of_browser(&self, browser: &TokenHash) -> Result<Option<OpenRequest>, Unavailable>;

    /// The newest request of an account that has this purpose.
    async fn newest_request(&self, user: UserId, purpose: &str) -> Result<Option<OpenRequest>, Unavailable>;

    /// Everything that was asked for by letter for an account and is still open, newest first.
    async fn requests_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<OpenRequest>, Unavailable>;

    /// Takes a letter in hand that is due and that nobody else holds; others may take it again after `lease`.
    async fn claim_email(
        &self,
        now: Timestamp,
        claim: Claim,
        lease: Duration,
    ) -> Result<Option<ClaimedEmail>, Unavailable>;

    /// Holds a letter for longer; `false` when it is no longer ours.
    async fn renew_claim(&self, id: EmailId, claim: Claim, until: Timestamp) -> Result<bool, Unavailable>;

    /// Puts a letter back that certainly reached nobody, to be tried again at `due_at`.
    async fn release_email(&self, id: EmailId, claim: Claim, due_at: Timestamp) -> Result<(), Unavailable>;

    /// Takes a letter out of the outbox: sent, or of no use any more.
    async fn finish_email(&self, id: EmailId, claim: Claim) -> Result<(), Unavailable>;

    async fn add_to_mailbox(&self, letter: &MailboxEmail) -> Result<(), Unavailable>;

    /// The letters of the development mailbox, newest first.
    async fn mailbox(&self, limit: u32) -> Result<Vec<MailboxEmail>, Unavailable>;

    /// A browser that somebody signed in with, and that person.
    async fn known_browser(&self, token: &TokenHash) -> Result<Option<(KnownBrowser, User)>, Unavailable>;

    /// Removes requests (with their letters) and known browsers that ended before `now`, at most `limit` of each, and
    /// tells how many at most.
    async fn remove_expired_emails(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// The writes of letters within a unit of work.
#[async_trait]
pub trait LetterWrites: Send {
    /// Writes a request and its letter.
    async fn add_email(&mut self, request: &EmailRequest, letter: &OutgoingEmail) -> Result<(), Unavailable>;

    /// Writes what a link is for that no letter carries.
    async fn add_open_link(&mut self, request: &EmailRequest, link: &TokenHash) -> Result<(), Unavailable>;

    /// Removes what a browser asked for to sign in or up, as [`LetterWrites::void_requests_of_browser`], but waits for no
    /// other unit: for units that have locked a request already.
    async fn remove_requests_of_browser(&mut self, browser: &TokenHash) -> Result<(), Unavailable>;

    /// Voids what a browser asked for before to sign in or up, and holds off others of the same browser until the unit
    /// ends.
    async fn void_requests_of_browser(&mut self, browser: &TokenHash) -> Result<(), Unavailable>;

    /// Voids what an account asked for before for the same purpose.
    async fn void_requests(&mut self, user: UserId, purpose: &str) -> Result<(), Unavailable>;

    /// Counts one typed code and tells how many are left; `None` when none was.
    async fn use_try(&mut self, id: RequestId) -> Result<Option<u32>, Unavailable>;

    /// Ends a request; of several that try at once, one gets `true`.
    async fn take_request(&mut self, id: RequestId) -> Result<bool, Unavailable>;

    /// Reads an account and holds others off it until the unit ends.
    async fn lock_user(&mut self, id: UserId) -> Result<Option<User>, Unavailable>;

    /// As [`LetterWrites::lock_user`], by the address that the account has proven.
    async fn lock_owner(&mut self, address: &EmailAddress) -> Result<Option<User>, Unavailable>;

    /// How many other letters to an account are open, asked for by browsers that it does not know.
    async fn count_open_requests(
        &mut self,
        user: UserId,
        except: RequestId,
        now: Timestamp,
    ) -> Result<u32, Unavailable>;

    /// Records whose account a request is about and where its letter goes.
    async fn assign_request(&mut self, id: RequestId, user: UserId, address: &EmailAddress) -> Result<(), Unavailable>;

    /// Marks a security letter as perhaps sent, and lets its link be answered; `false` as with [`Self::hand_over`].
    async fn hand_over_notification(
        &mut self,
        letter: &ClaimedEmail,
        about: NotificationId,
        link: &TokenHash,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;

    /// Marks a letter as perhaps sent, and lets its secrets be answered; `false` when it is no longer ours, was voided,
    /// or was handed over before.
    async fn hand_over(
        &mut self,
        letter: &ClaimedEmail,
        request: RequestId,
        secrets: &EmailSecrets,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;

    /// Makes an address an account's proven one; `false` when another account has proven it already, and then the unit
    /// can only be dropped.
    async fn prove_address(&mut self, user: UserId, address: &EmailAddress) -> Result<bool, Unavailable>;

    /// Keeps a browser as known for longer, under a new token; `None` when it is not known as this person's, else whether a
    /// sign-in there was nothing new to them.
    async fn renew_browser(&mut self, former: &TokenHash, browser: &KnownBrowser) -> Result<Option<bool>, Unavailable>;

    /// Keeps a browser that has just been given its token.
    async fn remember_browser(&mut self, browser: &KnownBrowser) -> Result<(), Unavailable>;

    /// Forgets who signed in with a browser.
    async fn forget_browser(&mut self, token: &TokenHash) -> Result<(), Unavailable>;

    /// Records "Not now" to a passkey for this browser, if it is known as this person's.
    async fn decline_offer(&mut self, token: &TokenHash, user: UserId, until: Timestamp) -> Result<(), Unavailable>;
}
