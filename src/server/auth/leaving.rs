//! Taking everything along, and leaving.

use super::authority::{Denied, OwnersUnit};
use super::{Auth, CurrentUser, ManageError};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::notification::Occasion;
use crate::server::model::session::Method;
use crate::server::model::{EventKind, KnownBrowser, Session};
use crate::types::views;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// Every fact held about a person, but for what would let somebody in: no hashes, tokens or keys.
#[derive(Clone, Debug, Serialize)]
pub struct Export {
    exported_at: String,
    user: views::User,
    /// In which letters are written.
    language: &'static str,
    username_changed_at: Option<String>,
    passkeys_blocked_since: Option<String>,
    passkeys_blocked_until: Option<String>,
    passkeys: Vec<ExportedPasskey>,
    sessions: Vec<ExportedSession>,
    recovery_codes_left: u32,
    remembered_browsers: Vec<RememberedBrowser>,
    open_letters: Vec<OpenLetter>,
    events: Vec<views::Event>,
}

#[derive(Clone, Debug, Serialize)]
struct ExportedPasskey {
    #[serde(flatten)]
    passkey: views::Passkey,
    rp_id: String,
    aaguid: String,
    sign_count: u32,
    added_with: &'static str,
    suspended_at: Option<String>,
    user_handle: String,
}

#[derive(Clone, Debug, Serialize)]
struct ExportedSession {
    #[serde(flatten)]
    session: views::Session,
    /// "Keep me signed in".
    kept: bool,
    passkey: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct RememberedBrowser {
    expires_at: String,
    passkey_declined_until: Option<String>,
    recognised: bool,
}

#[derive(Clone, Debug, Serialize)]
struct OpenLetter {
    about: &'static str,
    /// Nobody knows yet, or it did not go by mail.
    to: Option<String>,
    detail: Option<String>,
    client: views::Client,
    sent_at: String,
    expires_at: String,
}

impl Auth {
    /// Everything that is held about a person.
    ///
    /// # Errors
    /// When the session may not, or the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn export(&self, current_user: &CurrentUser) -> Result<Export, Denied> {
        let OwnersUnit { mut unit, user, passkeys, .. } = self.begin_as_owner(current_user).await?;
        let client = &current_user.session.client;
        self.record(unit.as_mut(), user.id, EventKind::Exported, client, None).await?;
        self.tell_owner(unit.as_mut(), &user, Occasion::Exported, client, None).await?;
        unit.commit().await?;
        self.bell.notify_one();
        let now = self.clock.now();
        let exported = |passkey: &crate::server::model::Passkey| ExportedPasskey {
            passkey: self.view_passkey(current_user, passkey, &passkeys),
            rp_id: passkey.rp_id.clone(),
            aaguid: passkey.aaguid.to_string(),
            sign_count: passkey.sign_count,
            added_with: passkey.added_with.name(),
            suspended_at: passkey.suspended_at.map(Timestamp::to_rfc3339),
            user_handle: URL_SAFE_NO_PAD.encode(user.id.0.as_bytes()),
        };
        // Those too that have ended and were not swept yet.
        let sessions = self.store.sessions(user.id).await?;
        Ok(Export {
            exported_at: now.to_rfc3339(),
            user: user.view(),
            language: user.language.tag(),
            username_changed_at: user.username_changed_at.map(Timestamp::to_rfc3339),
            passkeys_blocked_since: user.lockdown.map(|lockdown| lockdown.since.to_rfc3339()),
            passkeys_blocked_until: user.lockdown.and_then(|lockdown| lockdown.ends_at).map(Timestamp::to_rfc3339),
            passkeys: passkeys.iter().map(exported).collect(),
            sessions: sessions.iter().map(|session| exported_session(session, current_user)).collect(),
            recovery_codes_left: self.store.count_recovery_codes(user.id).await?,
            remembered_browsers: self.store.known_browsers(user.id).await?.iter().map(remembered).collect(),
            open_letters: self.open_letters(current_user, now).await?,
            events: self.all_events(current_user).await?,
        })
    }

    async fn open_letters(&self, current_user: &CurrentUser, now: Timestamp) -> Result<Vec<OpenLetter>, Unavailable> {
        let told = self.store.security_letters(current_user.user.id, now).await?;
        let told = told.into_iter().map(|letter| OpenLetter {
            about: letter.occasion.name(),
            to: Some(letter.address.to_string()),
            detail: letter.detail,
            client: letter.client,
            sent_at: letter.happened_at.to_rfc3339(),
            expires_at: letter.expires_at.to_rfc3339(),
        });
        let asked = self.store.requests_of_user(current_user.user.id, now).await?;
        let asked = asked.into_iter().map(|open| OpenLetter {
            about: open.request.purpose.name(),
            to: open.recipient.map(|(_, address)| address.to_string()),
            detail: None,
            client: open.request.client,
            sent_at: open.request.created_at.to_rfc3339(),
            expires_at: open.request.expires_at.to_rfc3339(),
        });
        Ok(told.chain(asked).collect())
    }

    async fn all_events(&self, current_user: &CurrentUser) -> Result<Vec<views::Event>, Unavailable> {
        let (mut events, mut before) = (Vec::new(), None);
        while let Some(page) = self.activity(current_user.user.id, before).await? {
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            events.extend(page.iter().map(crate::server::model::Event::view));
        }
        Ok(events)
    }

    /// Deletes the account: it is unusable at once, and a job removes its rows in small batches, so that an account of any
    /// size does not block other requests. Its username is held for 30 days.
    ///
    /// # Errors
    /// When what was typed is not the username, the session may not, or the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn delete_account(&self, current_user: &CurrentUser, typed: &str) -> Result<(), ManageError> {
        let OwnersUnit { mut unit, user, .. } = self.begin_as_owner(current_user).await?;
        if typed.trim() != user.username.as_str() {
            return Err(ManageError::WrongUsername);
        }
        self.hold_username(unit.as_mut(), &user.username, user.id).await?;
        let client = &current_user.session.client;
        self.tell_owner(unit.as_mut(), &user, Occasion::Deleted, client, None).await?;
        unit.delete_user(user.id, self.clock.now()).await?;
        unit.commit().await?;
        self.bell.notify_one();
        self.cleanup.notify_one();
        tracing::info!(user = %user.id.0, "account deleted");
        Ok(())
    }
}

fn exported_session(session: &Session, current_user: &CurrentUser) -> ExportedSession {
    let passkey = match &session.method {
        Method::Passkey(id) => Some(id.encode()),
        Method::Email | Method::Recovery | Method::BreakGlass => None,
    };
    ExportedSession { session: session.view(session.id == current_user.session.id), kept: session.kept, passkey }
}

fn remembered(browser: &KnownBrowser) -> RememberedBrowser {
    RememberedBrowser {
        expires_at: browser.expires_at.to_rfc3339(),
        passkey_declined_until: browser.declined_until.map(Timestamp::to_rfc3339),
        recognised: browser.recognised,
    }
}
