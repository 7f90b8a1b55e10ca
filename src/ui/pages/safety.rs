//! The parts of the account page beside its lists: names and address, recovery codes, activity, leaving.

use super::folded::{FoldedAction, FoldedField, FoldedForm, Typed};
use super::security::{Day, place};
use crate::types::{AccountAction, paths, views};
use crate::ui::words::{counted, t};
use leptos::prelude::*;

/// Changing what one is called, and where emails go.
#[component]
pub fn ProfileSection(user: views::User, sends_email: bool, typed: Option<Typed>) -> impl IntoView {
    let name = FoldedField {
        summary: "Change your name",
        action: AccountAction::Name,
        about: String::new(),
        name: "name",
        label: "Name",
        kind: "text",
        autocomplete: "name",
        maxlength: 64,
        value: user.display_name,
        hint: "How your name appears on pages and in emails.",
        button: "Save name",
        class: "button quiet",
    };
    let username = FoldedField {
        summary: "Change your username",
        action: AccountAction::Username,
        label: "Username",
        autocomplete: "username",
        maxlength: 32,
        value: user.username,
        hint: "You can change it once every 30 days. Your old username stays reserved for you during that time.",
        button: "Save username",
        ..name.clone()
    };
    let address = FoldedField {
        summary: "Change your email address",
        action: AccountAction::Address,
        name: "email",
        label: "New address",
        kind: "email",
        autocomplete: "email",
        maxlength: 254,
        value: String::new(),
        hint: "Takes effect once you confirm it. Other devices are signed out and your old address is notified.",
        button: "Send confirmation email",
        ..name.clone()
    };
    let fields = [Some(name), Some(username), sends_email.then_some(address)];
    let rows = fields.into_iter().flatten().map(move |field| {
        let typed = typed.clone();
        view! {
            <li>
                <FoldedForm field typed />
            </li>
        }
    });
    view! {
        <section class="card" aria-labelledby="profile-heading">
            <h2 id="profile-heading">{t("Profile")}</h2>
            <ul class="rows">{rows.collect::<Vec<_>>()}</ul>
        </section>
    }
    .into_any()
}

/// How many recovery codes are left, and new ones.
#[component]
pub fn RecoverySection(left: u32) -> impl IntoView {
    let state = match left {
        0 => t("Ten one-time codes that get you back in if you lose everything else.").to_owned(),
        left => counted(left as usize, "You have 1 code left.", "You have {} codes left."),
    };
    view! {
        <section class="card" aria-labelledby="recovery-heading">
            <h2 id="recovery-heading">{t("Recovery codes")}</h2>
            <p data-testid="recovery-codes">{state}</p>
            {if left == 0 {
                view! {
                    <form method="post" action=paths::ACCOUNT>
                        <input type="hidden" name="action" value=AccountAction::RecoveryCodes.name() />
                        <button type="submit" class="button quiet">
                            {t("Get recovery codes")}
                        </button>
                    </form>
                }
                    .into_any()
            } else {
                view! {
                    <FoldedAction
                        summary="Replace codes"
                        label=t("Replace codes").to_owned()
                        question=t("You get ten new codes, and the old ones stop working.").to_owned()
                        action=AccountAction::RecoveryCodes
                        about=String::new()
                        button="Replace codes"
                    />
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

/// A line of activity in words.
#[derive(Clone, Debug)]
pub struct ActivityLine {
    pub id: String,
    pub said: &'static str,
    pub detail: Option<String>,
    pub client: views::Client,
    pub at: String,
}

/// Events, newest first.
#[component]
pub fn ActivitySection(
    lines: Vec<ActivityLine>,
    /// Whether there are older ones.
    has_more: bool,
) -> impl IntoView {
    let older = lines.last().filter(|_| has_more).map(|line| format!("{}?before={}#activity", paths::ACCOUNT, line.id));
    view! {
        <section id="activity" class="card" aria-labelledby="activity-heading">
            <h2 id="activity-heading">{t("Activity")}</h2>
            <p class="explain">{t("Kept for 180 days. Don't recognise something? Sign out that device and \
                                   remove its passkey.")}</p>
            <ul class="rows activity">
                {lines.into_iter().map(|line| view! { <ActivityRow line /> }).collect::<Vec<_>>()}
            </ul>
            {older.map(|href| view! { <p><a href=href>{t("Older activity")}</a></p> })}
        </section>
    }
    .into_any()
}

#[component]
fn ActivityRow(line: ActivityLine) -> impl IntoView {
    let place = place(line.client);
    view! {
        <li>
            <p class="break-words">
                {t(line.said)} {line.detail.map(|detail| view! { ": " <span class="muted">{detail}</span> })}
            </p>
            <p class="explain">
                <Day moment=line.at with_time=true />
                {place.map(|place| format!(", {place}"))}
            </p>
        </li>
    }
    .into_any()
}

/// Everything as a file, and the way out.
#[component]
pub fn LeavingSection(typed: Option<Typed>) -> impl IntoView {
    let field = FoldedField {
        summary: "Delete account",
        action: AccountAction::Delete,
        about: String::new(),
        name: "name",
        label: "Enter your username to confirm",
        kind: "text",
        autocomplete: "off",
        maxlength: 32,
        value: String::new(),
        hint: "This deletes your passkeys, sessions, recovery codes and activity immediately. It can't be undone.",
        button: "Delete my account",
        class: "button danger",
    };
    view! {
        <section class="card" aria-labelledby="leaving-heading">
            <h2 id="leaving-heading">{t("Your data")}</h2>
            <p>{t("Everything we store about you, in one file.")}</p>
            <form method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=AccountAction::Export.name() />
                <button type="submit" class="button quiet">
                    {t("Download my data")}
                </button>
            </form>
            <FoldedForm field typed />
        </section>
    }
    .into_any()
}

/// The end: nothing is left but a word of farewell, and the device drops its passkeys.
#[component]
pub fn LeftPage() -> impl IntoView {
    view! {
        <h1>{t("Your account is deleted")}</h1>
        <p class="lead">{t("You can no longer sign in, and your data is being removed. You can sign up again \
                            at any time with the same email address. Your username stays reserved for 30 days.")}</p>
        <p>
            <a class="button" href=paths::HOME>
                {t("Go to the home page")}
            </a>
        </p>
    }
}
