//! Loads the content of each account section.

use super::signals;
use crate::server::Unavailable;
use crate::server::auth::{CurrentUser, view as views};
use crate::server::http::RequestContext;
use crate::server::model::session::Method as SignInMethod;
use crate::server::model::{CredentialId, Event, EventId, EventKind, Passkey, Session, event};
use crate::types::{self, Language, Section};
use crate::ui::pages::{
    ActivityContent, ActivityLine, Confirmation, Content, Overview, PasskeysContent, ProfileContent,
};
use serde::Deserialize;
use std::time::Duration;

/// How many events the overview shows.
const NEWEST: u32 = 5;

/// How long the overview offers to name a new passkey.
const NAMING_OFFER_DURATION: Duration = Duration::from_mins(10);

/// The query of an account page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AccountQuery {
    pub step: Option<String>,
    /// The passkey that was just removed.
    pub removed: Option<String>,
    /// A form that was sent before its user signed in.
    #[serde(rename = "continue")]
    pub continuation: Option<String>,
    /// The event that the page of the activity continues after.
    pub before: Option<String>,
}

/// The content of a section, and the JSON that tells the device which passkeys are valid; `None` if the query names an
/// event that does not exist.
pub(super) async fn load(
    context: &RequestContext,
    current: &CurrentUser,
    section: Section,
    query: &AccountQuery,
) -> Result<Option<(Content, String)>, Unavailable> {
    let state = &context.state;
    let content = match section {
        Section::Overview => return overview(context, current, query).await.map(Some),
        Section::Passkeys => return passkeys(context, current, query).await.map(Some),
        Section::Profile => Content::Profile(ProfileContent {
            confirmation: confirmation(context, current).await?,
            sends_email: state.core().email().can_send(),
            email_signs_in: state.core().email().signs_in(),
        }),
        Section::RecoveryCodes => Content::RecoveryCodes(state.recovery_codes().count(current).await?),
        Section::Devices => {
            let sessions = state.sessions().list(current).await?;
            let visits = state.user_applications().visits(current).await?;
            let view = |session: &Session| {
                let of_session = visits.iter().filter(|(id, _)| *id == session.id);
                let applications: Vec<_> = of_session.map(|(_, name)| name.clone()).collect();
                (views::session(session, session.id == current.session.id), applications)
            };
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                sessions.iter().partition(|session| session.id == current.session.id);
            Content::Devices(here.into_iter().chain(elsewhere).map(view).collect())
        }
        Section::Activity => match activity(context, current, query).await? {
            Some(activity) => Content::Activity(activity),
            None => return Ok(None),
        },
        Section::Data => Content::Data,
    };
    Ok(Some((content, String::new())))
}

async fn overview(
    context: &RequestContext,
    current: &CurrentUser,
    query: &AccountQuery,
) -> Result<(Content, String), Unavailable> {
    let (state, services) = (&context.state, context.state.passkeys());
    let passkeys = services.list(current).await?;
    let events = state.activity().newest(current.user.id, NEWEST).await?;
    let since = state.core().now().minus(NAMING_OFFER_DURATION);
    let newest = passkeys.last().filter(|passkey| query.step.as_deref() == Some("ready") && passkey.created_at > since);
    let overview = Overview {
        usable_passkeys: passkeys.iter().filter(|passkey| passkey.is_usable(services.rp_id())).count(),
        recovery_codes: state.recovery_codes().count(current).await?,
        devices: state.sessions().list(current).await?.len(),
        activity: events.iter().map(|event| line(event, context.language)).collect(),
        sends_email: state.core().email().can_send(),
        offers_passkey: state.browsers().offers_passkey(current, context.known.as_ref(), &services).await?,
        new_passkey: newest.map(|passkey| services.view(current, passkey, &passkeys)),
    };
    Ok((Content::Overview(overview), accepted(context, current, &passkeys)?))
}

async fn passkeys(
    context: &RequestContext,
    current: &CurrentUser,
    query: &AccountQuery,
) -> Result<(Content, String), Unavailable> {
    let (state, services) = (&context.state, context.state.passkeys());
    let passkeys = services.list(current).await?;
    let sessions = state.sessions().list(current).await?;
    let mut accepted = accepted(context, current, &passkeys)?;
    // An empty list makes the device forget all passkeys, so it is sent only after the last one was removed.
    if accepted.is_empty() && query.removed.is_some() {
        accepted = signals::accepted(context, current, &[])?;
    }
    let content = PasskeysContent {
        usable: passkeys.iter().filter(|passkey| passkey.is_usable(services.rp_id())).count(),
        email_signs_in: services.email_signs_in(&current.user),
        recovery_codes: state.recovery_codes().count(current).await?,
        is_adding: query.step.as_deref() == Some("add") && services.can_add(current).await?,
        removed: query.removed.as_ref().and_then(|removed| other_sessions_of(removed, current, &sessions)),
        passkeys: passkeys.iter().map(|passkey| services.view(current, passkey, &passkeys)).collect(),
    };
    Ok((Content::Passkeys(content), accepted))
}

/// The JSON of the accepted passkeys; empty where there are none.
pub(super) fn accepted(
    context: &RequestContext,
    current: &CurrentUser,
    passkeys: &[Passkey],
) -> Result<String, Unavailable> {
    let services = context.state.passkeys();
    let usable = passkeys.iter().filter(|passkey| passkey.is_usable(services.rp_id()));
    let ids: Vec<_> = usable.map(|passkey| passkey.credential_id.encode()).collect();
    if ids.is_empty() { Ok(String::new()) } else { signals::accepted(context, current, &ids) }
}

/// The passkey that was just removed, and how many other sessions it still has; `None` if there are none.
fn other_sessions_of(removed: &str, current: &CurrentUser, sessions: &[Session]) -> Option<(String, usize)> {
    let method = SignInMethod::Passkey(CredentialId::decode(removed)?);
    let other_sessions = sessions.iter().filter(|session| session.id != current.session.id && session.method == method);
    Some((removed.to_owned(), other_sessions.count())).filter(|(_, count)| *count > 0)
}

/// Whether and how the address has to be confirmed.
async fn confirmation(context: &RequestContext, current: &CurrentUser) -> Result<Confirmation, Unavailable> {
    let (state, user) = (&context.state, &current.user);
    if let Some(address) = state.address().open_confirmation(current).await? {
        return Ok(Confirmation::WaitsForCode { address: address.to_string() });
    }
    let claimed = user.email.as_ref().filter(|_| !user.email_verified && state.core().email().can_send());
    Ok(claimed.map_or(Confirmation::NotNeeded, |address| Confirmation::Needed { address: address.to_string() }))
}

/// A page of events; `None` if the event to continue after does not exist.
async fn activity(
    context: &RequestContext,
    current: &CurrentUser,
    query: &AccountQuery,
) -> Result<Option<ActivityContent>, Unavailable> {
    let before = match query.before.as_deref().map(EventId::decode) {
        Some(None) => return Ok(None),
        Some(before) => before,
        None => None,
    };
    let Some(events) = context.state.activity().page(current.user.id, before).await? else { return Ok(None) };
    Ok(Some(ActivityContent {
        has_older: events.len() == usize::try_from(event::PAGE).unwrap_or_default(),
        lines: events.iter().map(|event| line(event, context.language)).collect(),
    }))
}

/// Translates details that the previous version stored; its events are kept for 180 days.
fn current_detail(detail: &str) -> &str {
    match detail {
        "letter" => "email",
        "letter, in another browser" => "email, in another browser",
        "code of a letter" => "code from an email",
        "passkey, while the account is turned off" => "passkey, while the account was disabled",
        _ => detail,
    }
}

fn line(event: &Event, language: Language) -> ActivityLine {
    // Details of other kinds are user input.
    let is_ours = matches!(
        event.kind,
        EventKind::SignedUp | EventKind::SignedIn | EventKind::SignInRefused | EventKind::Reauthenticated
    );
    let translated_detail = |detail: &String| {
        if !is_ours {
            return detail.clone();
        }
        let present = current_detail(detail);
        types::texts::look_up(present, language).unwrap_or(present).to_owned()
    };
    ActivityLine {
        id: event.id.0.to_string(),
        text: event.kind.sentence(),
        detail: event.detail.as_ref().map(translated_detail),
        client: event.client.view(),
        at: event.at.to_rfc3339(),
    }
}
