//! Stores accounts, sessions and all other data behind traits, with one implementation for each database. Each entity
//! has a trait for reads and a trait for writes; the writes happen in a unit of work.

#[macro_use]
mod columns;
#[macro_use]
mod statements;
mod application;
mod browser;
mod code_count;
mod consent;
mod driver_error;
mod email_queue;
mod email_request;
mod event;
mod grant;
mod group;
mod held_username;
mod invitation;
mod logout;
mod maintenance;
mod notification;
mod oauth_client;
mod passkey;
pub mod postgres;
mod provider;
mod recovery;
mod redemption;
mod retry;
mod role;
mod schema;
mod session;
mod sign_in;
mod signing_key;
pub mod sqlite;
mod transfer;
mod user;
mod visit;

pub use application::{ApplicationReads, ApplicationWrites};
pub use browser::{BrowserReads, BrowserWrites};
pub use code_count::CodeCounts;
pub use columns::TABLES;
pub use consent::ConsentWrites;
use driver_error::error_message;
pub use email_queue::{EmailQueueReads, EmailQueueWrites, EmailSecrets, MailboxEmail};
pub use email_request::{EmailRequestReads, EmailRequestWrites};
pub use event::{EventReads, EventWrites};
pub use grant::{ActiveGrant, GrantReads, GrantWrites};
pub use group::{GroupReads, GroupWrites};
pub use held_username::{HeldUsernameReads, HeldUsernameWrites};
pub use invitation::{InvitationReads, InvitationWrites};
pub use logout::LogoutReads;
pub use maintenance::{Maintenance, Wakes};
pub use notification::{NotificationCounts, NotificationReads, NotificationWrites};
pub use oauth_client::{OauthClientReads, OauthClientWrites};
pub use passkey::{PasskeyReads, PasskeyWrites};
pub use provider::{ClientWithSecrets, ClientWithSession, ProviderReads, SessionFacts, UserFacts, ValidAccessToken};
pub use recovery::{RecoveryReads, RecoveryWrites};
pub use redemption::{RedemptionRecord, RedemptionRecords};
pub use retry::{ConnectError, connect_with_retry};
pub use role::{RoleReads, RoleWrites};
use schema::schema;
pub use session::{OtherSessions, SessionReads, SessionWrites};
pub use sign_in::{SignInOutcome, SignInRecord, SignInRecords};
pub use signing_key::{SigningKeyReads, SigningKeyWrites};
pub use transfer::{Column, Kind, Line, Table, Transfer, Value};
pub use user::{AccountSummary, UserReads, UserWrites};
pub use visit::{UserApplication, VisitReads, VisitWrites};

use crate::server::Unavailable;
use async_trait::async_trait;

/// The maximum length of lists that are read without paging; users cannot create more than a few dozen entries.
pub const MAX_LISTED: u32 = 500;

/// The outcome of writing a row that must be unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Insertion {
    Done,
    /// The row already exists; the unit of work must be dropped.
    Conflict,
}

/// All reads, and the start of a [`Unit`] of work. An error is an outage; a missing row is `None`.
#[async_trait]
pub trait Store:
    ApplicationReads
    + BrowserReads
    + CodeCounts
    + EmailRequestReads
    + EventReads
    + GrantReads
    + GroupReads
    + HeldUsernameReads
    + InvitationReads
    + LogoutReads
    + Maintenance
    + NotificationReads
    + OauthClientReads
    + EmailQueueReads
    + PasskeyReads
    + ProviderReads
    + RecoveryReads
    + RedemptionRecords
    + RoleReads
    + SessionReads
    + SignInRecords
    + SigningKeyReads
    + Transfer
    + UserReads
    + VisitReads
    + Send
    + Sync
{
    /// Begins a unit of work, which is rolled back if it is dropped without a commit.
    async fn begin(&self) -> Result<Box<dyn Unit>, Unavailable>;
}

/// A unit of work: all of its writes happen, or none.
#[async_trait]
pub trait Unit:
    ApplicationWrites
    + BrowserWrites
    + ConsentWrites
    + EmailRequestWrites
    + EventWrites
    + GrantWrites
    + GroupWrites
    + HeldUsernameWrites
    + InvitationWrites
    + NotificationWrites
    + OauthClientWrites
    + EmailQueueWrites
    + PasskeyWrites
    + RecoveryWrites
    + RoleWrites
    + SessionWrites
    + SigningKeyWrites
    + UserWrites
    + VisitWrites
    + Send
{
    /// Commits the transaction, logs the recorded events, and wakes the jobs that have new work.
    async fn commit(self: Box<Self>) -> Result<(), Unavailable>;
}
