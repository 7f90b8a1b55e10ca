//! The lists of the account page: passkeys and sessions. Plain forms, which work with scripts off.

use crate::types::{paths, views};
use leptos::prelude::*;

/// The person's passkeys, the oldest first.
#[component]
pub fn PasskeySection(
    passkeys: Vec<views::Passkey>,
    /// How many of them sign in here.
    usable: usize,
    /// Whether a letter is a way in, too.
    letters_let_in: bool,
    recovery_codes: u32,
) -> impl IntoView {
    let count = passkeys.len();
    let has_one_way_in = usable + usize::from(letters_let_in) == 1 && recovery_codes == 0;
    view! {
        <section class="card" aria-labelledby="passkeys-heading">
            <h2 id="passkeys-heading">"Passkeys"</h2>
            {(count == 0)
                .then(|| {
                    view! { <p>"You have none yet. Sign in by letter to make one on this device."</p> }
                })}
            {has_one_way_in
                .then(|| {
                    view! {
                        <p class="alert" data-testid="single-way-in">
                            {if letters_let_in {
                                "Letters are your only way in. Add a passkey, and make recovery codes."
                            } else {
                                "This passkey is your only way in. Add another one on a second device, or make recovery codes."
                            }}
                        </p>
                    }
                })}
            <ul class="rows">{passkeys.into_iter().map(|passkey| view! { <PasskeyRow passkey /> }).collect::<Vec<_>>()}</ul>
            <form method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value="add-passkey" />
                <button type="submit" class="button quiet">
                    "Add a passkey"
                </button>
            </form>
        </section>
    }
}

#[component]
fn PasskeyRow(passkey: views::Passkey) -> impl IntoView {
    let kept = if passkey.synced { "synced between your devices" } else { "on one device alone" };
    // The first letter of who made it, as a mark to tell them apart at a glance; a key where that is not known.
    let initial = passkey.provider.as_deref().and_then(|name| name.chars().next()).unwrap_or('⚿');
    let made_by = passkey.provider.map(|provider| format!("{provider}, ")).unwrap_or_default();
    let field = format!("name-{}", passkey.id);
    let id = passkey.id.clone();
    let used_on = passkey
        .last_used_on
        .map(|on| [on.browser, on.system].into_iter().flatten().collect::<Vec<_>>().join(" on "))
        .unwrap_or_default();
    view! {
        <li>
            <p>
                <span class="provider" aria-hidden="true">
                    {initial}
                </span>
                " "
                <strong class="break-words">{passkey.name.clone()}</strong>
                {passkey.current.then(|| view! { " " <span class="tag">"this one"</span> })}
                {passkey.suspended.then(|| view! { " " <span class="tag wrong">"suspended"</span> })}
                {passkey.elsewhere.then(|| view! { " " <span class="tag wrong">"for another address"</span> })}
            </p>
            <p class="explain">
                {made_by} {kept} ", made " <Day moment=passkey.created_at />
                {passkey.last_used_at.map(|moment| view! { ", last used " <Day moment /> })}
                {(!used_on.is_empty()).then(|| format!(" in {used_on}"))}
            </p>
            {passkey.suspended
                .then(|| view! { <p class="explain">"It signs nobody in: somebody said that it was not yours. Remove it."</p> })}
            {passkey.elsewhere
                .then(|| {
                    view! { <p class="explain">"Made while this site had another address: it does not work here."</p> }
                })}
            <details>
                <summary>"Rename"</summary>
                <form class="field" method="post" action=paths::ACCOUNT>
                    <input type="hidden" name="action" value="rename-passkey" />
                    <input type="hidden" name="id" value=passkey.id />
                    <label for=field.clone()>"New name"</label>
                    <input id=field name="name" type="text" maxlength="64" required value=passkey.name />
                    <button type="submit" class="button quiet">
                        "Save the name"
                    </button>
                </form>
            </details>
            <form method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value="remove-passkey" />
                <input type="hidden" name="id" value=id />
                <button type="submit" class="link">
                    "Remove"
                </button>
            </form>
        </li>
    }
}

/// Where the person is signed in, the session that was seen last first.
#[component]
pub fn SessionSection(sessions: Vec<views::Session>) -> impl IntoView {
    let has_others = sessions.len() > 1;
    view! {
        <section class="card" aria-labelledby="sessions-heading">
            <h2 id="sessions-heading">"Where you are signed in"</h2>
            <ul class="rows">{sessions.into_iter().map(|session| view! { <SessionRow session /> }).collect::<Vec<_>>()}</ul>
            {has_others
                .then(|| {
                    view! {
                        <form method="post" action=paths::ACCOUNT>
                            <input type="hidden" name="action" value="end-others" />
                            <button type="submit" class="button quiet">
                                "End all others"
                            </button>
                        </form>
                    }
                })}
        </section>
    }
}

#[component]
fn SessionRow(session: views::Session) -> impl IntoView {
    let place = match (session.client.browser, session.client.system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "An unknown browser".to_owned(),
    };
    let method = match session.method {
        views::Method::Passkey => "a passkey",
        views::Method::Email => "a letter",
        views::Method::Recovery => "a recovery code",
    };
    view! {
        <li>
            <p>
                <strong>{place}</strong>
                {session.current.then(|| view! { " " <span class="tag">"this one"</span> })}
            </p>
            <p class="explain">
                "Since " <Day moment=session.created_at /> ", last seen " <Day moment=session.last_seen_at /> ", with " {method}
            </p>
            {(!session.current)
                .then(|| {
                    view! {
                        <form method="post" action=paths::ACCOUNT>
                            <input type="hidden" name="action" value="end-session" />
                            <input type="hidden" name="id" value=session.id />
                            <button type="submit" class="link">
                                "End this session"
                            </button>
                        </form>
                    }
                })}
        </li>
    }
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
