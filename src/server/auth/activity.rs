//! What is written down about an account, and what its owner is told by letter.

use super::Auth;
use crate::server::Unavailable;
use crate::server::model::security_letter::{Occasion, SecurityLetter, Told};
use crate::server::model::{Event, EventId, EventKind, User, UserId, event};
use crate::server::store::Unit;
use crate::types::{EmailAddress, views};
use std::time::Duration;

/// Letters about the same occasion that go to one account within [`TOLD_WITHIN`], where their number is limited.
const TOLD_AT_MOST: u32 = 3;
const TOLD_WITHIN: Duration = Duration::from_hours(1);

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

    /// Writes a line of activity about something that was refused, so that nothing else was written.
    pub(super) async fn record_refusal(
        &self,
        user: UserId,
        kind: EventKind,
        client: &views::Client,
        detail: Option<String>,
    ) -> Result<(), Unavailable> {
        let mut unit = self.store.begin().await?;
        self.record(unit.as_mut(), user, kind, client, detail).await?;
        unit.commit().await
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

    /// As [`Auth::tell_owner`] for what a session can do again and again: the letters of an hour are few, so that none of
    /// another kind is lost among them.
    pub(super) async fn tell_owner_a_few_times(
        &self,
        unit: &mut dyn Unit,
        user: &User,
        occasion: Occasion,
        client: &views::Client,
    ) -> Result<(), Unavailable> {
        if unit.count_letters_about(user.id, occasion, self.clock.now().minus(TOLD_WITHIN)).await? >= TOLD_AT_MOST {
            return Ok(());
        }
        self.tell_owner(unit, user, occasion, client, None).await
    }

    /// As [`Auth::tell_owner`], at an address that was proven. Where that is no longer the account's, the letter can
    /// restore it.
    pub(super) async fn tell_at(
        &self,
        unit: &mut dyn Unit,
        user: &User,
        address: &EmailAddress,
        occasion: Occasion,
        client: &views::Client,
        detail: Option<String>,
    ) -> Result<(), Unavailable> {
        if !self.sends_letters {
            return Ok(());
        }
        let told = Told {
            user_id: (occasion != Occasion::Deleted).then_some(user.id),
            occasion,
            detail,
            address,
            name: &user.display_name,
            language: user.language,
            can_undo: occasion == Occasion::AddressChanged && user.proven_address() != Some(address),
            client,
        };
        let letter = SecurityLetter::new(told, self.clock.now(), &*self.entropy);
        unit.add_security_letter(&letter, &letter.outgoing(&*self.entropy)).await
    }

    /// A page of an account's activity, newest first; `None` when there is no such event to begin after.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn activity(&self, user: UserId, before: Option<EventId>) -> Result<Option<Vec<Event>>, Unavailable> {
        self.store.events(user, before, event::PAGE).await
    }
}
