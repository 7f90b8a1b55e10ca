//! The lists of the account page: passkeys and sessions. Plain forms, which work with scripts off.

use crate::types::{paths, views};
use leptos::prelude::*;

/// The person's passkeys, the oldest first.
#[component]
pub fn PasskeySection(passkeys: Vec<views::Passkey>) -> impl IntoView {
    let count = passkeys.len();
    view! {
        <section class="card" aria-labelledby="passkeys-heading">
            <h2 id="passkeys-heading">"Passkeys"</h2>
            {(count == 0)
                .then(|| {
                    view! { <p>"You have none yet. Sign in by letter to make one on this device."</p> }
                })}
            <ul class="rows">{passkeys.into_iter().map(|passkey| view! { <PasskeyRow passkey /> }).collect::<Vec<_>>()}</ul>
        </section>
    }
}

#[component]
fn PasskeyRow(passkey: views::Passkey) -> impl IntoView {
    let kept = if passkey.synced { "synced between your devices" } else { "on one device alone" };
    let made_by = passkey.provider.map(|provider| format!("{provider}, ")).unwrap_or_default();
    let field = format!("name-{}", passkey.id);
    view! {
        <li>
            <p>
                <strong class="break-words">{passkey.name.clone()}</strong>
                {passkey.current.then(|| view! { " " <span class="tag">"this one"</span> })}
            </p>
            <p class="explain">
                {made_by} {kept} ", made " <Day moment=passkey.created_at />
                {passkey.last_used_at.map(|moment| view! { ", last used " <Day moment /> })}
            </p>
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
fn Day(moment: String) -> impl IntoView {
    let day = moment.split('T').next().unwrap_or_default().to_owned();
    view! { <time datetime=moment>{day}</time> }
}
