use super::row::{FieldAction, RefusedForm, Row, TextField};
use crate::types::{AccountAction, ApiError, paths, views};
use crate::ui::pages::code::CodeField;
use crate::ui::words::{bold, sentence, t};
use leptos::prelude::*;

/// The content of the profile section besides the user.
#[derive(Clone, Debug)]
pub struct ProfileContent {
    pub confirmation: Confirmation,
    pub sends_email: bool,
    /// Whether sign-in by email is on, so that an address can get the user back in.
    pub email_signs_in: bool,
}

/// Whether an address must be confirmed: the one that the account claims, or a requested new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    NotNeeded,
    Needed {
        address: String,
    },
    /// An email was sent to the address; its code can be entered here.
    WaitsForCode {
        address: String,
    },
}

#[component]
pub fn ProfileSection(
    user: views::User,
    profile: ProfileContent,
    refusal: Option<ApiError>,
    typed: Option<RefusedForm>,
) -> impl IntoView {
    let [name, username, address] = fields(&user);
    let rows = [
        (name, view! { {user.display_name} }.into_any(), true),
        (username, view! { {user.username} }.into_any(), true),
        (
            address,
            view! { <Email address=user.email is_confirmed=user.email_verified /> }.into_any(),
            profile.sends_email,
        ),
    ];
    let rows = rows.map(move |(field, value, can_change)| {
        let typed = typed.clone();
        let about = view! { <Fact label=field.label value /> };
        view! { <Row about=about.into_any()>{can_change.then(|| view! { <FieldAction field typed /> })}</Row> }
    });
    view! {
        <ConfirmAddress confirmation=profile.confirmation is_change=user.email_verified email_signs_in=profile.email_signs_in refusal />
        <section class="card" aria-labelledby="section">
            <ul class="rows">{rows.into_iter().collect::<Vec<_>>()}</ul>
            <details class="last">
                <summary class="small">{t("Details")}</summary>
                <p class="explain">
                    {t("Account ID")} ": " <code>{user.id}</code>
                </p>
            </details>
        </section>
    }
    .into_any()
}

/// A value with its label.
#[component]
pub fn Fact(label: &'static str, value: AnyView) -> impl IntoView {
    view! {
        <p class="explain">{t(label)}</p>
        <p class="break-words">{value}</p>
    }
    .into_any()
}

/// An email address and its state; "None" without one.
#[component]
pub fn Email(address: Option<String>, is_confirmed: bool) -> impl IntoView {
    match address {
        None => t("None").into_any(),
        Some(address) => {
            let state = if is_confirmed { "Confirmed" } else { "Not confirmed" };
            view! {
                {address}
                " "
                <span class="tag">{t(state)}</span>
            }
            .into_any()
        }
    }
}

fn fields(user: &views::User) -> [TextField; 3] {
    let name = TextField {
        summary: "Change",
        summary_label: t("Change your name").to_owned(),
        action: AccountAction::Name,
        about: String::new(),
        name: "name",
        label: "Name",
        kind: "text",
        autocomplete: "name",
        autocapitalize: "words",
        maxlength: 64,
        value: user.display_name.clone(),
        hint: "How your name appears on pages and in emails.",
        button: "Save name",
        class: "button quiet",
    };
    let username = TextField {
        summary_label: t("Change your username").to_owned(),
        action: AccountAction::Username,
        label: "Username",
        autocomplete: "username",
        autocapitalize: "none",
        maxlength: 32,
        value: user.username.clone(),
        hint: "You can change it once every 30 days. Your old username stays reserved for you during that time.",
        button: "Save username",
        ..name.clone()
    };
    let address = TextField {
        summary_label: t("Change your email address").to_owned(),
        action: AccountAction::Address,
        name: "email",
        label: "Email",
        kind: "email",
        autocomplete: "email",
        autocapitalize: "none",
        maxlength: 254,
        value: String::new(),
        hint: if user.email_verified {
            "Takes effect once you confirm it. Other devices are signed out and your old address is notified."
        } else {
            "Takes effect once you confirm it."
        },
        button: "Send confirmation email",
        ..name.clone()
    };
    [name, username, address]
}

/// Asks for the code that confirms an address; renders nothing if no address must be confirmed.
#[component]
fn ConfirmAddress(
    confirmation: Confirmation,
    /// Whether it replaces a confirmed address.
    is_change: bool,
    email_signs_in: bool,
    refusal: Option<ApiError>,
) -> impl IntoView {
    let (address, waits_for_code) = match confirmation {
        Confirmation::NotNeeded => return ().into_any(),
        Confirmation::Needed { address } => (address, false),
        Confirmation::WaitsForCode { address } => (address, true),
    };
    let reason = if is_change {
        "Confirm {} to make it your email address. Until then, your current address stays."
    } else if email_signs_in {
        "Confirm {} so it can get you back in if you lose your passkey."
    } else {
        "Confirm {} so we can send you security notifications."
    };
    view! {
        <section class="card" aria-labelledby="confirm-heading">
            <h2 id="confirm-heading">{t("Confirm your email address")}</h2>
            <p>{sentence(reason, [bold(address)])}</p>
            {waits_for_code
                .then(|| {
                    view! {
                        <form class="form" method="post" action=paths::EMAIL_CONFIRM>
                            <CodeField refusal is_first=false />
                            <button type="submit" class="button">
                                {t("Confirm")}
                            </button>
                        </form>
                    }
                })}
            <form method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=AccountAction::ConfirmAgain.name() />
                <button type="submit" class="button quiet">
                    {t(if waits_for_code { "Resend email" } else { "Email me a link" })}
                </button>
            </form>
        </section>
    }
    .into_any()
}
