//! The pages behind the links in security notifications. Opening one changes nothing; its button acts.

use crate::types::paths;
use crate::ui::words::{bold, sentence, t};
use leptos::prelude::*;

/// The action of a notification link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationAction {
    Report,
    RestoreAddress,
}

impl NotificationAction {
    /// The heading of its page, which is also the title.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Report => "Secure your account",
            Self::RestoreAddress => "Restore your email address",
        }
    }
}

/// Asks for confirmation before a notification link acts.
#[component]
pub fn NotificationPage(action: NotificationAction, token: String, username: String, address: String) -> impl IntoView {
    let (path, button) = match action {
        NotificationAction::Report => (paths::NOT_ME, "Secure my account"),
        NotificationAction::RestoreAddress => (paths::EMAIL_UNDO, "Restore this address"),
    };
    let follows = match action {
        NotificationAction::Report => view! {
            <ul class="list">
                <li>{t("All devices will be signed out, including this one.")}</li>
                <li>{t("Passkeys added in the last 72 hours will be suspended, except the one you signed up with.")}</li>
                <li>{t("You can't add passkeys until you use an older passkey or a recovery code. If you have \
                        neither, wait 72 hours.")}</li>
            </ul>
        }
        .into_any(),
        NotificationAction::RestoreAddress => view! {
            <ul class="list">
                <li>
                    {sentence("{} will be the account's email address again.", [bold(address)])}
                </li>
                <li>{t("All devices will be signed out, including this one.")}</li>
                <li>{t("You can't add passkeys until you use an older passkey or a recovery code. If you have \
                        neither, wait 72 hours.")}</li>
            </ul>
        }
        .into_any(),
    };
    view! {
        <h1>{t(action.heading())}</h1>
        <p class="lead">{sentence("This will happen to the account {}:", [bold(username)])}</p>
        {follows}
        <form class="form" method="post" action=path>
            <input type="hidden" name="token" value=token />
            <button type="submit" class="button">
                {t(button)}
            </button>
        </form>
        <p class="aside">{t("Was it you after all? Just close this page.")}</p>
    }
}

/// Shows the result and the next step.
#[component]
pub fn NotificationDonePage(action: NotificationAction) -> impl IntoView {
    let (heading, done) = match action {
        NotificationAction::Report => (
            "Your account is secured.",
            "All devices are signed out, and passkeys added in the last 72 hours are suspended. Sign in with \
             an older passkey or a recovery code, then remove passkeys that aren't yours. If you didn't create \
             your recovery codes, replace them.",
        ),
        NotificationAction::RestoreAddress => (
            "Your email address is restored.",
            "All devices are signed out. Sign in, then remove passkeys that aren't yours.",
        ),
    };
    view! {
        <h1>{t(heading)}</h1>
        <p class="lead">{t(done)}</p>
        <p>
            <a class="button" href=paths::SIGN_IN>
                {t("Sign in")}
            </a>
        </p>
        <p class="aside">
            <a href=paths::SIGN_IN_RECOVERY>{t("Use a recovery code")}</a>
        </p>
    }
}
