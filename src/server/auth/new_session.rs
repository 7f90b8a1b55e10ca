//! Begins sessions and records sign-ins.

use super::account::AccountUnit;
use super::browser::Browsers;
use super::caller::Caller;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::notification::Occasion;
use crate::server::model::session::Method;
use crate::server::model::{CredentialId, EventKind, Session, SessionId, User, UserId};
use crate::server::secret::Token;

/// A new session. Its token is only for the cookie.
#[derive(Debug)]
pub struct NewSession {
    pub user: User,
    pub session: Session,
    pub token: Token,
    /// The token under which the browser remembers the user.
    pub known: Token,
}

/// How the user signed in.
pub(super) enum Credential {
    Passkey {
        id: CredentialId,
        /// The passkey is on another device, so this device has none yet.
        is_cross_device: bool,
        /// The passkey is synced to other devices, so it does not identify this one.
        synced: bool,
        /// "Keep me signed in".
        keep: bool,
    },
    Email,
    RecoveryCode,
    /// A link that an administrator created.
    BreakGlass,
}

/// Creates a session that begins now, and its token.
pub(super) fn new_session(core: &Core, user_id: UserId, credential: Credential, caller: &Caller) -> (Session, Token) {
    let (token, now) = (core.token(), core.now());
    let (method, offers_passkey, kept) = match credential {
        Credential::Passkey { id, is_cross_device, keep, .. } => (Method::Passkey(id), is_cross_device, keep),
        Credential::Email => (Method::Email, true, false),
        Credential::RecoveryCode => (Method::Recovery, true, false),
        Credential::BreakGlass => (Method::BreakGlass, true, false),
    };
    let user_verified = matches!(method, Method::Passkey(_));
    let lifetimes = &core.policy.sessions;
    let (idle, max) = if user_verified { lifetimes.by_passkey(kept) } else { lifetimes.by_email() };
    let session = Session {
        id: SessionId::new(now, core.entropy()),
        user_id,
        token_hash: token.hash(),
        method,
        user_verified,
        authenticated_at: now,
        created_at: now,
        last_seen_at: now,
        ends_at: now.plus(max),
        idle,
        client: caller.client.clone(),
        offers_passkey,
        added_passkey: false,
        kept,
    };
    (session, token)
}

/// Begins a session in a unit of work and ends the browser's previous one. `kind` is written to the activity:
/// [`EventKind::SignedIn`], or [`EventKind::SignedUp`] if the account was created in the same unit.
pub(super) async fn record_sign_in(
    unit: &mut AccountUnit<'_>,
    credential: Credential,
    caller: &Caller,
    kind: EventKind,
) -> Result<NewSession, Unavailable> {
    let core = unit.core();
    if let Some(previous) = &caller.session {
        unit.end_session_by_token(&previous.hash(), core.now()).await?;
    }
    if let Some(email) = &caller.email {
        unit.void_requests_of_browser_without_waiting(&email.hash()).await?;
    }
    let user = unit.user.clone();
    let browsers = Browsers { core };
    let (known, is_recognised) = browsers.remember(&mut **unit, user.id, caller.known.as_ref()).await?;
    // A passkey stands for a known device, unless it is on another device or synced (docs/RULES.md, 8).
    let is_new_device = match credential {
        Credential::Passkey { is_cross_device, synced, .. } => (is_cross_device || synced) && !is_recognised,
        Credential::Email => !is_recognised,
        // These send notifications of their own.
        Credential::RecoveryCode | Credential::BreakGlass => false,
    };
    let (session, token) = new_session(core, user.id, credential, caller);
    unit.add_session(&session).await?;
    unit.trim_sessions(user.id, core.now()).await?;
    unit.trim_browsers(user.id).await?;
    unit.record(kind, Some(session.method.words().to_owned())).await?;
    if is_new_device && kind != EventKind::SignedUp {
        unit.notify(Occasion::NewDevice, None).await?;
    }
    Ok(NewSession { user, session, token, known })
}
