//! The lists of the account page: passkeys and sessions. Plain forms, which work with scripts off.

use super::folded::{FoldedField, FoldedForm, Typed};
use crate::types::{AccountAction, paths, views};
use crate::ui::words::{fill, t};
use leptos::prelude::*;

/// The person's passkeys, the oldest first.
#[component]
pub fn PasskeySection(
    passkeys: Vec<views::Passkey>,
    /// How many of them sign in here.
    usable: usize,
    /// Whether an email is a way in, too.
    email_signs_in: bool,
    recovery_codes: u32,
    typed: Option<Typed>,
) -> impl IntoView {
    let warning = match (usable, email_signs_in, recovery_codes) {
        (0, false, 0) => Some("Nothing signs you in here any more. Add a passkey before you leave."),
        (0, true, 0) => Some("Emails are your only way in. Add a passkey, and make recovery codes."),
        (0, _, _) => Some("You have no passkey. Add one: it is quicker and safer than any other way in."),
        (1, false, 0) => {
            Some("This passkey is your only way in. Add another one on a second device, or make recovery codes.")
        }
        (1, _, _) => {
            Some("This is your only passkey. A second one on another device spares you trouble when this one is lost.")
        }
        _ => None,
    };
    // The last way in is at stake, or it is just good advice.
    let is_urgent = usable + usize::from(email_signs_in) < 2 && recovery_codes == 0;
    let rows = passkeys.into_iter().map(move |passkey| {
        let typed = typed.clone();
        view! { <PasskeyRow passkey typed /> }
    });
    view! {
        <section class="card" aria-labelledby="passkeys-heading">
            <h2 id="passkeys-heading">{t("Passkeys")}</h2>
            {warning
                .map(|warning| {
                    view! {
                        <p class="alert" class:advice=!is_urgent data-testid="single-way-in">
                            {t(warning)}
                        </p>
                    }
                })}
            <ul class="rows">{rows.collect::<Vec<_>>()}</ul>
            <form id=ADD_FORM method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=AccountAction::AddPasskey.name() />
                <button type="submit" class="button quiet">
                    {t("Add a passkey")}
                </button>
            </form>
        </section>
    }
    .into_any()
}

/// The form that leads to adding a passkey, and asks first who is there where that is needed.
pub const ADD_FORM: &str = "add-passkey";

#[component]
fn PasskeyRow(passkey: views::Passkey, typed: Option<Typed>) -> impl IntoView {
    let kept = if passkey.synced { t("synced between your devices") } else { t("on one device alone") };
    let made_by = passkey.provider.clone().map(|provider| format!("{provider}, ")).unwrap_or_default();
    let rename = FoldedField {
        summary: "Rename",
        action: AccountAction::RenamePasskey,
        about: passkey.id.clone(),
        name: "name",
        label: "New name",
        kind: "text",
        autocomplete: "off",
        maxlength: 64,
        value: passkey.name.clone(),
        hint: "For you alone, to tell your passkeys apart.",
        button: "Save the name",
        class: "button quiet",
    };
    let id = passkey.id.clone();
    let used_on = passkey
        .last_used_on
        .map(|on| [on.browser, on.system].into_iter().flatten().collect::<Vec<_>>().join(&format!(" {} ", t("on"))))
        .unwrap_or_default();
    view! {
        <li>
            <p>
                <ProviderIcon provider=passkey.provider.clone() />
                " "
                <strong class="break-words">{passkey.name.clone()}</strong>
                {passkey.current.then(|| view! { " " <span class="tag">{t("this one")}</span> })}
                {passkey.suspended.then(|| view! { " " <span class="tag wrong">{t("suspended")}</span> })}
                {passkey.elsewhere.then(|| view! { " " <span class="tag wrong">{t("for another address")}</span> })}
            </p>
            <p class="explain">
                {made_by} {kept} {t(", made")} " " <Day moment=passkey.created_at />
                {passkey.last_used_at.map(|moment| view! { {t(", last used")} " " <Day moment /> })}
                {(!used_on.is_empty()).then(|| format!(" {} {used_on}", t("in")))}
            </p>
            {passkey.suspended
                .then(|| view! { <p class="explain">{t("It signs nobody in: somebody said that it was not yours. Remove it.")}</p> })}
            {passkey.elsewhere
                .then(|| {
                    view! { <p class="explain">{t("Made while this site had another address: it does not work here.")}</p> }
                })}
            {passkey
                .held_until
                .map(|until| {
                    view! {
                        <p class="explain">
                            {t("Added after an email: until")} " " <Day moment=until with_time=true />
                            " " {t("it signs in, but cannot change what matters. If you did not add it, remove it.")}
                        </p>
                    }
                })}
            <FoldedForm field=rename typed />
            <form method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=AccountAction::RemovePasskey.name() />
                <input type="hidden" name="id" value=id />
                <button type="submit" class="link">
                    {t("Remove")}
                </button>
            </form>
        </li>
    }
    .into_any()
}

/// A mark to tell passkeys apart at a glance: the initial of who made it, in a colour of its own; a key where that is not
/// known. For display only, since nothing vouches for it.
#[component]
fn ProviderIcon(provider: Option<String>) -> impl IntoView {
    let hue = provider.as_deref().map_or(0, |name| name.bytes().map(u32::from).sum::<u32>() % 6);
    let initial = provider.and_then(|name| name.chars().next());
    view! {
        <svg class=format!("provider hue-{hue}") viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
            <circle cx="12" cy="12" r="12" />
            {match initial {
                Some(initial) => {
                    view! {
                        <text x="12" y="16.5" text-anchor="middle">
                            {initial.to_string()}
                        </text>
                    }
                        .into_any()
                }
                None => view! { <path d="M9 7a4 4 0 1 1 1.6 6.4L10 14v2H8v2H5v-2.6l3.4-3.4A4 4 0 0 1 9 7Zm4.2 1.3a1 1 0 1 0 0 .1Z" /> }.into_any(),
            }}
        </svg>
    }
}

/// Where the person is signed in, the session that was seen last first.
#[component]
pub fn SessionSection(sessions: Vec<views::Session>) -> impl IntoView {
    let has_others = sessions.len() > 1;
    view! {
        <section class="card" aria-labelledby="sessions-heading">
            <h2 id="sessions-heading">{t("Where you are signed in")}</h2>
            <ul class="rows">{sessions.into_iter().map(|session| view! { <SessionRow session /> }).collect::<Vec<_>>()}</ul>
            {has_others
                .then(|| {
                    view! {
                        <form method="post" action=paths::ACCOUNT>
                            <input type="hidden" name="action" value=AccountAction::EndOthers.name() />
                            <button type="submit" class="button quiet">
                                {t("End all others")}
                            </button>
                        </form>
                    }
                })}
        </section>
    }
    .into_any()
}

#[component]
fn SessionRow(session: views::Session) -> impl IntoView {
    let place = match (session.client.browser, session.client.system) {
        (Some(browser), Some(system)) => fill("{} on {}", &[&browser, &system]),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => t("An unknown browser").to_owned(),
    };
    let method = match session.method {
        views::Method::Passkey => t("a passkey"),
        views::Method::Email => t("an email"),
        views::Method::Recovery => t("recovery"),
    };
    view! {
        <li>
            <p>
                <strong>{place}</strong>
                {session.current.then(|| view! { " " <span class="tag">{t("this one")}</span> })}
            </p>
            <p class="explain">
                {t("Since")} " " <Day moment=session.created_at /> {t(", last seen")} " " <Day moment=session.last_seen_at /> {t(", with")} " " {method}
            </p>
            {(!session.current)
                .then(|| {
                    view! {
                        <form method="post" action=paths::ACCOUNT>
                            <input type="hidden" name="action" value=AccountAction::EndSession.name() />
                            <input type="hidden" name="id" value=session.id />
                            <button type="submit" class="link">
                                {t("End this session")}
                            </button>
                        </form>
                    }
                })}
        </li>
    }
    .into_any()
}

/// The day of a moment; the whole of it stands in the attribute.
#[component]
pub fn Day(
    moment: String,
    /// With hour and minute, in UTC.
    #[prop(optional)]
    with_time: bool,
) -> impl IntoView {
    let (day, time) = moment.split_once('T').unwrap_or((&moment, ""));
    let day = if with_time { format!("{day} {} UTC", time.get(..5).unwrap_or_default()) } else { day.to_owned() };
    view! { <time datetime=moment>{day}</time> }
}
