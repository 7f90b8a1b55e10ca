use super::{Client, Issuer, UserId, id};
use crate::server::clock::Timestamp;
use std::time::Duration;
use uuid::{Builder, Uuid};

/// How long activity is kept: 180 days.
pub const RETENTION: Duration = Duration::from_hours(180 * 24);
/// Maximum number of events kept per account; the oldest are removed.
pub const MAX_EVENTS: u32 = 10_000;
/// How far below the maximum a trim goes; one event in 64 triggers a trim.
pub const TRIM_AHEAD: u32 = 512;
/// Number of events per page of the activity.
pub const PAGE: u32 = 50;

/// The id of an event, and the cursor for the next page of the activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId(pub Uuid);

impl EventId {
    /// Parses an id from the activity; `None` if it is invalid.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

macro_rules! kinds {
    ($($kind:ident = $name:literal, $sentence:literal;)*) => {
        /// The kind of an event: a closed set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $(#[doc = $sentence] $kind,)*
        }

        impl EventKind {
            /// All kinds, for tables and tests.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name in the database and in the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Its name on pages.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$kind => $sentence,)* }
            }
        }
    };
}

kinds! {
    SignedUp = "signed_up", "Signed up";
    SignedIn = "signed_in", "Signed in";
    SignInRefused = "sign_in_refused", "Sign-in refused";
    StrangersRefused = "strangers_refused", "Failed sign-in attempt";
    SignedOut = "signed_out", "Signed out";
    Reauthenticated = "reauthenticated", "Identity confirmed";
    SessionsEnded = "sessions_ended", "Devices signed out";
    PasskeyAdded = "passkey_added", "Passkey added";
    PasskeyRenamed = "passkey_renamed", "Passkey renamed";
    PasskeyRemoved = "passkey_removed", "Passkey removed";
    CounterWentBack = "counter_went_back", "Passkey may have been copied";
    EmailSent = "letter_sent", "Email sent";
    AddressRequested = "address_requested", "Email change requested";
    AddressConfirmed = "address_confirmed", "Email address confirmed";
    AddressChanged = "address_changed", "Email address changed";
    AddressRestored = "address_restored", "Email address restored";
    RecoveryCodesCreated = "recovery_codes_made", "Recovery codes created";
    RecoveryCodeUsed = "recovery_code_used", "Recovery code used";
    NameChanged = "name_changed", "Name changed";
    UsernameChanged = "username_changed", "Username changed";
    ApplicationSignedOut = "application_signed_out", "Signed out of an application";
    ConsentWithdrawn = "consent_withdrawn", "Application access withdrawn";
    RefreshTokenReused = "refresh_token_reused", "Application access ended: a token was used twice";
    Exported = "exported", "Data downloaded";
    NotMe = "not_me", "Account secured";
    SignInLinkCreated = "sign_in_link_made", "Sign-in link created by an administrator";
    SignInLinkUsed = "sign_in_link_used", "Administrator's sign-in link used";
    AccountDisabled = "account_disabled", "Account disabled by an administrator";
    AccountEnabled = "account_enabled", "Account enabled by an administrator";
    SessionsEndedByAdministrator = "sessions_ended_by_operator", "All devices signed out by an administrator";
}

impl EventKind {
    /// The inverse of [`EventKind::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// An entry in the activity of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub user_id: UserId,
    pub kind: EventKind,
    pub at: Timestamp,
    pub client: Client,
    /// The object of the event, such as the name of a passkey or the sign-in method.
    pub detail: Option<String>,
}

impl Event {
    #[must_use]
    pub fn new(user_id: UserId, kind: EventKind, client: &Client, issuer: Issuer<'_>) -> Self {
        let id = EventId(id::time_ordered(issuer.now, issuer.entropy));
        Self { id, user_id, kind, at: issuer.now, client: client.clone(), detail: None }
    }

    #[must_use]
    pub fn about(self, detail: Option<String>) -> Self {
        Self { detail, ..self }
    }

    /// An attempt by an unknown client, without client data: recorded once an hour.
    #[must_use]
    pub fn once_an_hour(user_id: UserId, kind: EventKind, at: Timestamp) -> Self {
        let id = EventId(Uuid::nil());
        Self { user_id, kind, at, client: Client::UNKNOWN, detail: None, id }.with_hourly_id()
    }

    /// The event with an id that stays the same for an hour, so that repetitions are not recorded.
    #[must_use]
    pub fn with_hourly_id(self) -> Self {
        let hour = self.at.unix_millis().div_euclid(3_600_000).to_be_bytes();
        let detail = self.detail.as_deref().unwrap_or_default();
        let name = [self.user_id.0.as_bytes().as_slice(), self.kind.name().as_bytes(), &hour, detail.as_bytes()];
        let digest = <sha2::Sha256 as sha2::Digest>::digest(name.concat());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self { id: EventId(Builder::from_custom_bytes(bytes).into_uuid()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn every_kind_round_trips_through_its_name() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.name()), Some(*kind));
        }
        assert_eq!(EventKind::parse("else"), None);
    }

    #[test]
    fn refused_strangers_share_one_event_id_per_hour() {
        let user = UserId::random(&SystemEntropy);
        let id = |minutes: i64| {
            let at = Timestamp::from_unix_millis(minutes * 60_000);
            Event::once_an_hour(user, EventKind::StrangersRefused, at).id
        };
        assert_eq!(id(0), id(59));
        assert_ne!(id(59), id(60));
    }
}
