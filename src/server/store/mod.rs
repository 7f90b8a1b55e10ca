//! Accounts, sessions and everything else that is kept, behind traits with one implementation for each database. Each noun
//! has a trait of reads and a trait of writes; the writes happen in a unit of work.

#[macro_use]
mod columns;
mod application;
mod browser;
mod email_request;
mod event;
mod group;
mod invitation;
mod maintenance;
mod notification;
mod outbox;
mod passkey;
pub mod postgres;
mod recovery;
mod retry;
mod role;
mod schema;
mod session;
mod sign_in;
pub mod sqlite;
mod told;
mod transfer;
mod user;

pub use application::{ApplicationReads, ApplicationWrites};
pub use browser::{BrowserReads, BrowserWrites};
pub use columns::TABLES;
pub use email_request::{EmailRequestReads, EmailRequestWrites};
pub use event::{EventReads, EventWrites};
pub use group::{GroupReads, GroupWrites};
pub use invitation::{InvitationReads, InvitationWrites};
pub use maintenance::{Maintenance, Wakes};
pub use notification::{NotificationCounts, NotificationReads, NotificationWrites};
pub use outbox::{EmailSecrets, MailboxEmail, OutboxReads, OutboxWrites};
pub use passkey::{PasskeyReads, PasskeyWrites};
pub use recovery::{RecoveryReads, RecoveryWrites};
pub use retry::{Refused, connect_patiently};
pub use role::{RoleReads, RoleWrites};
use schema::schema;
pub use session::{SessionReads, SessionWrites};
pub use sign_in::{SignInOutcome, SignInRecord, SignInRecords};
use told::told;
pub use transfer::{Column, Kind, Line, Table, Transfer, Value};
pub use user::{AccountSummary, UserReads, UserWrites};

use crate::server::Unavailable;
use async_trait::async_trait;

/// The longest list that is read at once where users cannot make it longer than a few dozen.
pub const MOST_LISTED: u32 = 500;

/// The outcome of writing a row that must be unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Insertion {
    Done,
    /// It exists already; the unit of work can only be dropped.
    Conflict,
}

/// The reads of all nouns, and the way into a [`Unit`] of work. An error is an outage; what is merely absent is `None`.
#[async_trait]
pub trait Store:
    ApplicationReads
    + BrowserReads
    + EmailRequestReads
    + EventReads
    + GroupReads
    + InvitationReads
    + Maintenance
    + NotificationReads
    + OutboxReads
    + PasskeyReads
    + RecoveryReads
    + RoleReads
    + SessionReads
    + SignInRecords
    + Transfer
    + UserReads
    + Send
    + Sync
{
    /// Begins a unit of work; dropped without a commit it leaves nothing behind.
    async fn begin(&self) -> Result<Box<dyn Unit>, Unavailable>;
}

/// The writes of one act: all of them happen, or none.
#[async_trait]
pub trait Unit:
    ApplicationWrites
    + BrowserWrites
    + EmailRequestWrites
    + EventWrites
    + GroupWrites
    + InvitationWrites
    + NotificationWrites
    + OutboxWrites
    + PasskeyWrites
    + RecoveryWrites
    + RoleWrites
    + SessionWrites
    + UserWrites
    + Send
{
    /// Commits the transaction. Logs the events that were recorded, and wakes the jobs for what was queued.
    async fn commit(self: Box<Self>) -> Result<(), Unavailable>;
}
