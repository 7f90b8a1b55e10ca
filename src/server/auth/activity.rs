//! What is written down about an account, and what its owner is told by letter.

use super::Auth;
use crate::server::Unavailable;
use crate::server::model::notification::{MOST_OF_A_KIND, MOST_OF_ALL, NOTIFIED_WITHIN, Notification, Occasion, Told};
use crate::server::model::{Event, EventId, EventKind, User, UserId, event};
use crate::server::store::Unit;
use crate::types::{EmailAddress, views};

impl Auth {
    /// Writes a line of activity within a unit of work.
    pub(super) async fn record(
        &self,
        unit: &mut dyn Unit,
        user: UserId,
        kind: EventKind,
        client: &views::Client,
        detail: Option<String>,
    ) -> Result<(), Unavailable> {
        unit.record(&Event::new(user, kind, self.clock.now(), client.clone(), detail, &*self.entropy)).await
    }

    /// Records that a sign-in was refused, once an hour for each reason however often it is tried.
    pub(super) async fn record_refusal(
        &self,
        unit: &mut dyn Unit,
        user: UserId,
        client: &views::Client,
        reason: &str,
    ) -> Result<(), Unavailable> {
        let (kind, detail) = (EventKind::SignInRefused, Some(reason.to_owned()));
        let event = Event::new(user, kind, self.clock.now(), client.clone(), detail, &*self.entropy);
        unit.record(&event.only_once_an_hour()).await
    }

    /// Writes down that strangers tried something, once an hour however often they try.
    pub(super) async fn record_strangers(&self, user: UserId) -> Result<(), Unavailable> {
        let mut unit = self.store.begin().await?;
        unit.record(&Event::once_an_hour(user, EventKind::StrangersRefused, self.clock.now())).await?;
        unit.commit().await
    }

    /// Writes to the proven address of an account, if it has one and letters go at all.
    pub(super) async fn tell_owner(
        &self,
        unit: &mut dyn Unit,
        user: &User,
        occasion: Occasion,
        client: &views::Client,
        detail: Option<String>,
    ) -> Result<(), Unavailable> {
        let Some(address) = user.proven_address() else { return Ok(()) };
        self.tell_at(unit, user, address, occasion, client, detail).await
    }

    /// As [`Auth::tell_owner`], at an address that was proven. Where that is no longer the account's, the email can
    /// restore it. Beyond the limit of an hour, one digest is sent.
    pub(super) async fn tell_at(
        &self,
        unit: &mut dyn Unit,
        user: &User,
        address: &EmailAddress,
        occasion: Occasion,
        client: &views::Client,
        detail: Option<String>,
    ) -> Result<(), Unavailable> {
        if !self.sends_email {
            return Ok(());
        }
        let can_undo = occasion == Occasion::AddressChanged && user.proven_address() != Some(address);
        let since = self.clock.now().minus(NOTIFIED_WITHIN);
        let sent = unit.count_notifications(user.id, address, since).await?;
        // An account is deleted once, and nothing could tell of it later.
        let is_last = occasion == Occasion::Deleted;
        let is_within =
            is_last || sent.about(occasion) < MOST_OF_A_KIND && (can_undo || sent.without_undo() < MOST_OF_ALL);
        let (occasion, detail, can_undo) = match (is_within, sent.about(Occasion::Digest)) {
            (true, _) => (occasion, detail, can_undo),
            (false, 0) => (Occasion::Digest, None, false),
            (false, _) => return Ok(()),
        };
        let told = Told {
            user_id: (occasion != Occasion::Deleted).then_some(user.id),
            occasion,
            detail,
            address,
            name: &user.display_name,
            language: user.language,
            can_undo,
            client,
        };
        let letter = Notification::new(told, self.clock.now(), &*self.entropy);
        unit.add_notification(&letter, &letter.outgoing(&*self.entropy)).await
    }

    /// A page of an account's activity, newest first; `None` when there is no such event to begin after.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn activity(&self, user: UserId, before: Option<EventId>) -> Result<Option<Vec<Event>>, Unavailable> {
        self.store.events(user, before, event::PAGE).await
    }
}
