//! The page of a user's applications.

use super::application::AppLogo;
use crate::types::paths;
use crate::ui::components::day;
use crate::ui::words::{fill, sentence, t};
use leptos::prelude::*;

/// An application that the user may use.
#[derive(Clone, Debug)]
pub struct AppTile {
    pub id: String,
    pub name: String,
    pub url: Option<String>,
    pub logo: Option<String>,
    pub since: Option<String>,
    pub used_at: Option<String>,
    pub has_access: bool,
    /// The data that the user agreed to share; `None` if consent was not asked for.
    pub shared_data: Option<Vec<&'static str>>,
}

/// All applications that the user may use.
#[component]
pub fn AppsPage(
    tiles: Vec<AppTile>,
    /// The address of the next page.
    next: Option<String>,
) -> impl IntoView {
    let is_empty = tiles.is_empty();
    view! {
        <h1>{t("Apps")}</h1>
        {is_empty
            .then(|| {
                view! { <p class="lead">{t("No applications yet. Your administrator can add them for you.")}</p> }
            })}
        {(!is_empty)
            .then(|| {
                view! {
                    <ul class="tiles wide">{tiles.into_iter().map(|tile| view! { <Tile tile /> }).collect_view()}</ul>
                }
            })}
        {next.map(|next| view! { <p><a href=next>{t("More")}</a></p> })}
    }
}

#[component]
fn Tile(tile: AppTile) -> impl IntoView {
    let AppTile { id, name, url, logo, since, used_at, has_access, shared_data } = tile;
    let heading = match url {
        Some(url) => view! { <a href=url>{name.clone()}</a> }.into_any(),
        None => name.clone().into_any(),
    };
    let used = match used_at {
        Some(at) => sentence("Last used {}.", [day(at)]).into_any(),
        None if has_access => t("Has access.").into_any(),
        None => t("Not used yet.").into_any(),
    };
    let has_consent = shared_data.is_some();
    view! {
        <li class="card">
            <AppLogo logo />
            <h2>{heading}</h2>
            {since.map(|since| view! { <p class="explain">{sentence("Signed in since {}.", [day(since)])}</p> })}
            <p class="explain">{used}</p>
            {shared_data
                .filter(|shared_data| !shared_data.is_empty())
                .map(|shared_data| {
                    view! {
                        <p class="explain">{t("It can see:")}</p>
                        <ul class="list">{shared_data.into_iter().map(|fact| view! { <li>{t(fact)}</li> }).collect_view()}</ul>
                    }
                })}
            {has_access.then(|| {
                let label = fill("Sign out of {}", &[&name]);
                view! { <ActionButton id=id.clone() action="sign-out" button="Sign out" label /> }
            })}
            {has_consent.then(|| {
                let label = fill("Withdraw access for {}", &[&name]);
                view! { <ActionButton id=id.clone() action="withdraw" button="Withdraw access" label /> }
            })}
        </li>
    }
}

#[component]
fn ActionButton(
    id: String,
    action: &'static str,
    button: &'static str,
    /// For screen readers: the button with its object.
    label: String,
) -> impl IntoView {
    view! {
        <form method="post" action=paths::APPS>
            <input type="hidden" name="application" value=id />
            <button type="submit" class="small" name="action" value=action aria-label=label>
                {t(button)}
            </button>
        </form>
    }
}
