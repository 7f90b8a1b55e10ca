//! The pages that the links of security notifications lead to. Opening one does nothing; the button does.

use crate::types::paths;
use crate::ui::words::t;
use leptos::prelude::*;

/// Which answer a link gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    NotMe,
    Undo,
}

/// What a button would do, for whom, and the button.
#[component]
pub fn AnswerPage(answer: Answer, token: String, username: String, address: String) -> impl IntoView {
    let (heading, action, button) = match answer {
        Answer::NotMe => ("That was not you?", paths::NOT_ME, "That was not me"),
        Answer::Undo => ("Restore your e-mail address", paths::EMAIL_UNDO, "Restore this address"),
    };
    let follows = match answer {
        Answer::NotMe => view! {
            <ul class="list">
                <li>{t("Everybody who is signed in to the account is signed out, you too.")}</li>
                <li>{t("Passkeys that were added in the last 72 hours are suspended.")}</li>
                <li>{t("Nobody can add a passkey until an older one or a recovery code was used.")}</li>
            </ul>
        }
        .into_any(),
        Answer::Undo => view! {
            <ul class="list">
                <li>
                    <strong class="break-words">{address}</strong>
                    " " {t("becomes the address of the account again.")}
                </li>
                <li>{t("Everybody who is signed in to the account is signed out, you too.")}</li>
            </ul>
        }
        .into_any(),
    };
    view! {
        <h1>{t(heading)}</h1>
        <p class="lead">{t("This is about the account")} " " <strong>{username}</strong> {t(". If you go on:")}</p>
        {follows}
        <form class="form" method="post" action=action>
            <input type="hidden" name="token" value=token />
            <button type="submit" class="button">
                {t(button)}
            </button>
        </form>
        <p class="aside">{t("Was it you after all? Then close this page: nothing has happened.")}</p>
    }
}

/// What was done, and what to do next.
#[component]
pub fn AnsweredPage(answer: Answer) -> impl IntoView {
    let (heading, done) = match answer {
        Answer::NotMe => (
            "Done. Everybody is signed out.",
            "Passkeys of the last 72 hours are suspended. Sign in with an older passkey or a recovery code, \
             then look at your passkeys and remove those that are not yours. If you are not sure who made your \
             recovery codes, make new ones: that ends them.",
        ),
        Answer::Undo => (
            "Your address is restored.",
            "Everybody is signed out. Sign in, then look at your passkeys and remove those that are not yours.",
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
