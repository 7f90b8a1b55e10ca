//! Converts the records of an account to the views that its owner sees.

use crate::server::clock::Timestamp;
use crate::server::model::provider::provider;
use crate::server::model::session::Method;
use crate::server::model::{Event, Passkey, Session, User};
use crate::types::views;

#[must_use]
pub fn user(user: &User) -> views::User {
    views::User {
        id: user.id.encode(),
        username: user.username.to_string(),
        display_name: user.display_name.to_string(),
        email: user.email.as_ref().map(ToString::to_string),
        email_verified: user.email_verified,
        created_at: user.created_at.to_rfc3339(),
    }
}

/// `current`: whether this is the session of the request.
#[must_use]
pub fn session(session: &Session, current: bool) -> views::Session {
    views::Session {
        id: session.id.encode(),
        method: match session.method {
            Method::Passkey(_) => views::Method::Passkey,
            Method::Email => views::Method::Email,
            Method::Recovery | Method::BreakGlass => views::Method::Recovery,
        },
        user_verified: session.user_verified,
        authenticated_at: session.authenticated_at.to_rfc3339(),
        created_at: session.created_at.to_rfc3339(),
        last_seen_at: session.last_seen_at.to_rfc3339(),
        expires_at: session.expires_at().to_rfc3339(),
        client: session.client.view(),
        current,
    }
}

/// `session`: the owner's current session. `rp_id`: the id of the current relying party.
pub(super) fn passkey(
    passkey: &Passkey,
    session: &Session,
    rp_id: &str,
    on_probation_until: Option<Timestamp>,
) -> views::Passkey {
    views::Passkey {
        id: passkey.credential_id.encode(),
        name: passkey.name.clone(),
        provider: provider(passkey.aaguid).map(str::to_owned),
        created_at: passkey.created_at.to_rfc3339(),
        last_used_at: passkey.last_used_at.map(Timestamp::to_rfc3339),
        synced: passkey.backed_up,
        backup_eligible: passkey.backup_eligible,
        transports: passkey.transports().map(str::to_owned).collect(),
        last_used_on: passkey.last_used_at.map(|_| passkey.last_used_on.view()),
        suspended: passkey.suspended_at.is_some(),
        elsewhere: passkey.rp_id != rp_id,
        held_until: on_probation_until.map(Timestamp::to_rfc3339),
        current: session.method == Method::Passkey(passkey.credential_id.clone()),
    }
}

#[must_use]
pub fn event(event: &Event) -> views::Event {
    views::Event {
        id: event.id.0.to_string(),
        kind: event.kind.name().to_owned(),
        at: event.at.to_rfc3339(),
        client: event.client.view(),
        detail: event.detail.clone(),
    }
}
