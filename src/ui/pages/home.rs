use crate::types::{Site, paths, views};
use crate::ui::words::t;
use leptos::prelude::*;
use std::sync::Arc;

/// What this is, and the two ways on.
#[component]
pub fn HomePage(current_user: Option<views::User>) -> impl IntoView {
    let is_open = expect_context::<Arc<Site>>().is_open;
    let actions = match current_user {
        Some(user) => view! {
            <p class="lead">{t("You are signed in as")} " " <strong>{user.display_name}</strong> "."</p>
            <a class="button" href=paths::ACCOUNT>
                {t("Go to your account")}
            </a>
        }
        .into_any(),
        None => view! {
            <p class="lead">
                {t("Sign in with your fingerprint, your face or your screen lock. No password to invent, remember or lose.")}
            </p>
            {is_open
                .then(|| {
                    view! {
                        <a class="button" href=paths::SIGN_UP>
                            {t("Sign up")}
                        </a>
                    }
                })}
            <a class="button" class:quiet=is_open href=paths::SIGN_IN>
                {t("Sign in")}
            </a>
        }
        .into_any(),
    };
    view! {
        <h1>{t("Your key is already with you")}</h1>
        {actions}
        <ul class="facts">
            <li>
                <strong>{t("A passkey is a key on your device.")}</strong>
                " " {t("It signs you in on this site alone, so a false page cannot trick it out of you.")}
            </li>
            <li>
                <strong>{t("No password is kept here.")}</strong>
                " " {t("We only ever hold the public half of your passkey, which opens nothing.")}
            </li>
            <li>
                <strong>{t("It takes a moment.")}</strong>
                " " {t("Choose a name, confirm with your screen lock, done.")}
            </li>
        </ul>
    }
}
