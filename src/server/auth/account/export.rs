//! Exports all data about an account.

use super::activity::Activity;
use super::current_user::CurrentUser;
use super::policy::SessionPolicy;
use super::unit::OwnerUnit;
use crate::server::Unavailable;
use crate::server::auth::{Error, view};
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::model::notification::Occasion;
use crate::server::model::session::Method;
use crate::server::model::{EventKind, KnownBrowser, Passkey, Role, Session};
use crate::types::views;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// All data about a user, except credentials: no hashes, tokens or keys.
#[derive(Clone, Debug, Serialize)]
pub struct Export {
    exported_at: String,
    user: views::User,
    /// The language of emails to the user.
    language: &'static str,
    username_changed_at: Option<String>,
    passkeys_blocked_since: Option<String>,
    passkeys_blocked_until: Option<String>,
    passkeys: Vec<ExportedPasskey>,
    sessions: Vec<ExportedSession>,
    recovery_codes_left: u32,
    remembered_browsers: Vec<RememberedBrowser>,
    #[serde(rename = "open_letters")]
    open_emails: Vec<OpenEmail>,
    events: Vec<views::Event>,
    /// The names of the user's groups.
    groups: Vec<String>,
    roles: Vec<&'static str>,
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
struct OpenEmail {
    about: &'static str,
    /// `None` if the recipient is not known yet, or nothing was emailed.
    to: Option<String>,
    detail: Option<String>,
    client: views::Client,
    sent_at: String,
    expires_at: String,
}

/// Exports accounts.
pub struct Exports<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Exports<'_> {
    /// Returns all data about a user; records the export and notifies the user.
    ///
    /// # Errors
    /// When the session may not export the account, or the database is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn export(&self, current: &CurrentUser) -> Result<Export, Error> {
        let OwnerUnit { mut unit, passkeys } = OwnerUnit::begin_fresh(self.core, current).await?;
        unit.record(EventKind::Exported, None).await?;
        unit.notify(Occasion::Exported, None).await?;
        let user = unit.user.clone();
        unit.commit().await?;
        let (store, now) = (&self.core.store, self.core.now());
        // Expired sessions are included until cleanup removes them.
        let sessions = store.sessions(user.id).await?;
        Ok(Export {
            exported_at: now.to_rfc3339(),
            user: view::user(&user),
            language: user.language.tag(),
            username_changed_at: user.username_changed_at.map(Timestamp::to_rfc3339),
            passkeys_blocked_since: user.lockdown.map(|lockdown| lockdown.since.to_rfc3339()),
            passkeys_blocked_until: user.lockdown.and_then(|lockdown| lockdown.ends_at).map(Timestamp::to_rfc3339),
            passkeys: passkeys.iter().map(|passkey| self.passkey(passkey, current, &passkeys)).collect(),
            sessions: sessions.iter().map(|session| exported_session(session, current)).collect(),
            recovery_codes_left: store.count_recovery_codes(user.id).await?,
            remembered_browsers: store.known_browsers(user.id).await?.iter().map(remembered).collect(),
            open_emails: self.open_emails(current, now).await?,
            events: self.all_events(current).await?,
            groups: store.groups_of(user.id).await?.iter().map(ToString::to_string).collect(),
            roles: store.roles_of(user.id).await?.into_iter().map(Role::name).collect(),
        })
    }

    fn passkey(&self, passkey: &Passkey, current: &CurrentUser, all: &[Passkey]) -> ExportedPasskey {
        let until = SessionPolicy::new(self.core, &current.user, &current.session, all).on_probation_until(passkey);
        ExportedPasskey {
            passkey: view::passkey(passkey, &current.session, self.core.rp_id(), until),
            rp_id: passkey.rp_id.clone(),
            aaguid: passkey.aaguid.to_string(),
            sign_count: passkey.sign_count,
            added_with: passkey.added_with.name(),
            suspended_at: passkey.suspended_at.map(Timestamp::to_rfc3339),
            user_handle: URL_SAFE_NO_PAD.encode(current.user.id.0.as_bytes()),
        }
    }

    async fn open_emails(&self, current: &CurrentUser, now: Timestamp) -> Result<Vec<OpenEmail>, Unavailable> {
        let notifications = self.core.store.notifications(current.user.id, now).await?;
        let notifications = notifications.into_iter().map(|notification| OpenEmail {
            about: notification.occasion.name(),
            to: Some(notification.address.to_string()),
            detail: notification.detail,
            client: notification.client.view(),
            sent_at: notification.happened_at.to_rfc3339(),
            expires_at: notification.expires_at.to_rfc3339(),
        });
        let requests = self.core.store.requests_of_user(current.user.id, now).await?;
        let requests = requests.into_iter().map(|open| OpenEmail {
            about: open.request.purpose.name(),
            to: open.recipient.map(|(_, address)| address.to_string()),
            detail: None,
            client: open.request.client.view(),
            sent_at: open.request.created_at.to_rfc3339(),
            expires_at: open.request.expires_at.to_rfc3339(),
        });
        Ok(notifications.chain(requests).collect())
    }

    async fn all_events(&self, current: &CurrentUser) -> Result<Vec<views::Event>, Unavailable> {
        let (mut events, mut before) = (Vec::new(), None);
        let activity = Activity { core: self.core };
        while let Some(page) = activity.page(current.user.id, before).await? {
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            events.extend(page.iter().map(view::event));
        }
        Ok(events)
    }
}

fn exported_session(session: &Session, current: &CurrentUser) -> ExportedSession {
    let passkey = match &session.method {
        Method::Passkey(id) => Some(id.encode()),
        Method::Email | Method::Recovery | Method::BreakGlass => None,
    };
    ExportedSession { session: view::session(session, session.id == current.session.id), kept: session.kept, passkey }
}

fn remembered(browser: &KnownBrowser) -> RememberedBrowser {
    RememberedBrowser {
        expires_at: browser.expires_at.to_rfc3339(),
        passkey_declined_until: browser.declined_until.map(Timestamp::to_rfc3339),
        recognised: browser.recognised,
    }
}
