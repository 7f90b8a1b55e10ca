//! The lists of the account page: passkeys and sessions. Plain forms, which work with scripts off.

use super::folded::{FoldedAction, FoldedField, FoldedForm, Typed};
use crate::types::{AccountAction, Language, paths, views};
use crate::ui::words::{counted, fill, sentence, t};
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
        (0, false, 0) => Some("You have no sign-in method left. Add a passkey before you sign out."),
        (0, true, 0) => Some("Email is your only sign-in method. Add a passkey and get recovery codes."),
        (0, _, _) => Some("You have no passkey. Add one to sign in faster and more securely."),
        (1, false, 0) => {
            Some("This passkey is your only sign-in method. Add one on a second device, or get recovery codes.")
        }
        (1, _, _) => Some("This is your only passkey. Add one on a second device in case you lose this one."),
        _ => None,
    };
    // The last way in is at stake, or it is just good advice.
    let is_urgent = usable + usize::from(email_signs_in) < 2 && recovery_codes == 0;
    let rows = passkeys.into_iter().map(move |passkey| {
        let typed = typed.clone();
        let is_usable = !passkey.suspended && !passkey.elsewhere;
        view! { <PasskeyRow passkey others=usable - usize::from(is_usable) typed /> }
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
fn PasskeyRow(
    passkey: views::Passkey,
    /// How many other passkeys sign in here.
    others: usize,
    typed: Option<Typed>,
) -> impl IntoView {
    let kept = if passkey.synced { t("Synced between your devices") } else { t("Only on one device") };
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
        hint: "Only you see this name.",
        button: "Save name",
        class: "button quiet",
    };
    let id = passkey.id.clone();
    let used_on = passkey.last_used_on.and_then(place).unwrap_or_default();
    view! {
        <li>
            <p>
                <ProviderIcon provider=passkey.provider.clone() />
                " "
                <strong class="break-words">{passkey.name.clone()}</strong>
                {passkey.current.then(|| view! { " " <span class="tag">{t("This device")}</span> })}
                {passkey.suspended.then(|| view! { " " <span class="tag wrong">{t("Suspended")}</span> })}
                {passkey.elsewhere.then(|| view! { " " <span class="tag wrong">{t("Other site")}</span> })}
            </p>
            <p class="explain">
                {made_by} {kept} ". " {sentence("Created {}.", [day(passkey.created_at)])}
                {passkey
                    .last_used_at
                    .map(|moment| {
                        let (when, place) = (day(moment), used_on.clone().into_any());
                        if used_on.is_empty() {
                            view! { " " {sentence("Last used {}.", [when])} }.into_any()
                        } else {
                            view! { " " {sentence("Last used {} in {}.", [when, place])} }.into_any()
                        }
                    })}
            </p>
            {passkey.suspended
                .then(|| view! { <p class="explain">{t("This passkey is suspended because you reported that it isn't yours. Remove it.")}</p> })}
            {passkey.elsewhere
                .then(|| {
                    view! { <p class="explain">{t("Created when this site had another address. It doesn't work here.")}</p> }
                })}
            {passkey
                .held_until
                .map(|until| {
                    view! {
                        <p class="explain">
                            {sentence(
                                "Added by email or sign-in link. Until {} it can sign you in but not change \
                                 security settings. If you didn't add it, remove it.",
                                [view! { <Day moment=until with_time=true /> }.into_any()],
                            )}
                        </p>
                    }
                })}
            <FoldedForm field=rename typed />
            <FoldedAction
                summary="Remove"
                label=fill("Remove {}", &[&passkey.name])
                question=match others {
                    0 => t("You have no other working passkey. Remove this one?").to_owned(),
                    _ => counted(others, "You have one other passkey. Remove this one?", "You have {} other passkeys. Remove this one?"),
                }
                action=AccountAction::RemovePasskey
                about=id
                button="Remove passkey"
            />
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
            <h2 id="sessions-heading">{t("Devices")}</h2>
            <ul class="rows">{sessions.into_iter().map(|session| view! { <SessionRow session /> }).collect::<Vec<_>>()}</ul>
            {has_others
                .then(|| {
                    view! {
                        <FoldedAction
                            summary="Sign out all other devices"
                            label=t("Sign out all other devices").to_owned()
                            question=t("All devices but this one will be signed out.").to_owned()
                            action=AccountAction::EndOthers
                            about=String::new()
                            button="Sign them out"
                        />
                    }
                })}
        </section>
    }
    .into_any()
}

#[component]
fn SessionRow(session: views::Session) -> impl IntoView {
    let place = place(session.client).unwrap_or_else(|| t("Unknown browser").to_owned());
    let method = match session.method {
        views::Method::Passkey => "Signed in with a passkey {}.",
        views::Method::Email => "Signed in by email {}.",
        views::Method::Recovery => "Signed in with a recovery code {}.",
    };
    view! {
        <li>
            <p>
                <strong>{place}</strong>
                {session.current.then(|| view! { " " <span class="tag">{t("This device")}</span> })}
            </p>
            <p class="explain">
                {sentence(method, [day(session.created_at)])} " " {sentence("Last seen {}.", [day(session.last_seen_at)])}
            </p>
            {(!session.current)
                .then(|| {
                    view! {
                        <form method="post" action=paths::ACCOUNT>
                            <input type="hidden" name="action" value=AccountAction::EndSession.name() />
                            <input type="hidden" name="id" value=session.id />
                            <button type="submit" class="link">
                                {t("Sign out this device")}
                            </button>
                        </form>
                    }
                })}
        </li>
    }
    .into_any()
}

/// Browser and system; `None` where neither is known.
pub fn place(client: views::Client) -> Option<String> {
    match (client.browser, client.system) {
        (Some(browser), Some(system)) => Some(fill("{} on {}", &[&browser, &system])),
        (Some(only), None) | (None, Some(only)) => Some(only),
        (None, None) => None,
    }
}

fn day(moment: String) -> AnyView {
    view! { <Day moment /> }.into_any()
}

/// A moment, in UTC where scripts are off; `browser::localise_times` shows it in the time zone of the reader.
#[component]
pub fn Day(
    /// As in RFC 3339.
    moment: String,
    /// With hour and minute.
    #[prop(optional)]
    with_time: bool,
) -> impl IntoView {
    let (day, time) = moment.split_once('T').unwrap_or((&moment, ""));
    let day = use_context::<Language>().unwrap_or_default().date(day);
    let text = if with_time { format!("{day}, {} UTC", time.get(..5).unwrap_or_default()) } else { day };
    view! {
        <time datetime=moment data-time=with_time.then_some("")>
            {text}
        </time>
    }
}
