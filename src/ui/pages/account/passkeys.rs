use super::row::{ConfirmedAction, FieldAction, ImpossibleAction, RefusedForm, Row, TextField};
use crate::types::{AccountAction, ApiError, Section, paths, views};
use crate::ui::components::{LocalTime, client_name, day};
use crate::ui::pages::create_passkey::{ADD_FORM, AddPasskey};
use crate::ui::words::{counted, fill, sentence, t};
use leptos::prelude::*;

/// The passkeys of an account, the oldest first.
#[derive(Clone, Debug)]
pub struct PasskeysContent {
    pub passkeys: Vec<views::Passkey>,
    /// How many of them work here.
    pub usable: usize,
    /// Whether the user can also sign in by email.
    pub email_signs_in: bool,
    pub recovery_codes: u32,
    /// Whether the user is adding a passkey.
    pub is_adding: bool,
    /// The passkey that was just removed, and how many other devices are still signed in with it.
    pub removed: Option<(String, usize)>,
}

impl PasskeysContent {
    /// Advice for an account with too few sign-in methods.
    fn advice(&self) -> Option<&'static str> {
        match (self.usable, self.email_signs_in, self.recovery_codes) {
            (0, false, 0) => Some("You have no sign-in method left. Add a passkey before you sign out."),
            (0, true, 0) => Some("Email is your only sign-in method. Add a passkey and get recovery codes."),
            (0, _, _) => Some("You have no passkey. Add one to sign in faster and more securely."),
            (1, false, 0) => {
                Some("This passkey is your only sign-in method. Add one on a second device, or get recovery codes.")
            }
            (1, _, _) => Some("This is your only passkey. Add one on a second device in case you lose this one."),
            _ => None,
        }
    }
}

#[component]
pub fn PasskeySection(passkeys: PasskeysContent, typed: Option<RefusedForm>) -> impl IntoView {
    let advice = passkeys.advice();
    let PasskeysContent { passkeys, usable, email_signs_in, recovery_codes, is_adding, removed } = passkeys;
    let rows = passkeys.into_iter().map(move |passkey| {
        let typed = typed.clone();
        let is_usable = !passkey.suspended && !passkey.elsewhere;
        let others = usable - usize::from(is_usable);
        // The server refuses it (docs/RULES.md, 7).
        let is_last = is_usable && others == 0 && !email_signs_in;
        let question = (!is_last).then(|| question(others, email_signs_in, recovery_codes));
        view! { <PasskeyRow passkey question typed /> }
    });
    view! {
        {removed.map(|(id, sessions)| view! { <Removed id sessions /> })}
        {is_adding.then(|| view! { <AddPasskey /> })}
        <section class="card" aria-labelledby="section">
            {advice
                .map(|advice| {
                    view! {
                        <p class="alert advice" data-testid="only-sign-in-method">
                            {t(advice)}
                        </p>
                    }
                })}
            <ul class="rows">{rows.collect::<Vec<_>>()}</ul>
            <form id=ADD_FORM method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=AccountAction::AddPasskey.name() />
                <button type="submit" class="button quiet" hidden=is_adding>
                    {t("Add a passkey")}
                </button>
            </form>
        </section>
    }
    .into_any()
}

/// The question before a passkey is removed, which names the remaining sign-in methods.
fn question(others: usize, email_signs_in: bool, recovery_codes: u32) -> String {
    let without_passkey = match (email_signs_in, recovery_codes) {
        (true, _) => "Remove this passkey? You have no other, but you can still sign in by email.",
        (false, 0) => "Remove this passkey? You have no other sign-in method.",
        (false, _) => "Remove this passkey? You have no other, only recovery codes.",
    };
    match others {
        0 => t(without_passkey).to_owned(),
        _ => counted(others, "Remove this passkey? You have one other.", "Remove this passkey? You have {} others."),
    }
}

/// The field that renames a passkey.
pub fn rename_field(passkey: &views::Passkey) -> TextField {
    TextField {
        summary: "Rename",
        summary_label: fill("Rename {}", &[&passkey.name]),
        action: AccountAction::RenamePasskey,
        about: passkey.id.clone(),
        name: "name",
        label: "New name",
        kind: "text",
        autocomplete: "off",
        autocapitalize: "words",
        maxlength: 64,
        value: passkey.name.clone(),
        hint: "Only you see this name.",
        button: "Save name",
        class: "button quiet",
    }
}

#[component]
fn PasskeyRow(
    passkey: views::Passkey,
    /// The question before its removal; `None` if it is the last sign-in method, which stays.
    question: Option<String>,
    typed: Option<RefusedForm>,
) -> impl IntoView {
    let rename = rename_field(&passkey);
    let (id, label) = (passkey.id.clone(), fill("Remove {}", &[&passkey.name]));
    view! {
        <Row about=view! { <PasskeyDetails passkey /> }.into_any()>
            <FieldAction field=rename typed />
            {match question {
                Some(question) => {
                    view! {
                        <ConfirmedAction
                            summary="Remove"
                            label
                            question
                            action=AccountAction::RemovePasskey
                            about=id
                            button="Remove passkey"
                        />
                    }
                        .into_any()
                }
                None => {
                    view! { <ImpossibleAction summary="Remove" label reason=ApiError::LastSignInMethod.message() /> }
                        .into_any()
                }
            }}
        </Row>
    }
    .into_any()
}

/// Name, status and use of a passkey.
#[component]
fn PasskeyDetails(passkey: views::Passkey) -> impl IntoView {
    let kept = if passkey.synced { t("Synced between your devices.") } else { t("Only on one device.") };
    let provider = passkey.provider.clone().filter(|provider| *provider != passkey.name);
    let provider = provider.map(|provider| format!("{provider}. "));
    let used_on = passkey.last_used_on.and_then(client_name);
    let last_used = passkey.last_used_at.map(|at| match used_on {
        None => view! { " " {sentence("Last used {}.", [day(at)])} }.into_any(),
        Some(client_name) => {
            view! { " " {sentence("Last used {} in {}.", [day(at), client_name.into_any()])} }.into_any()
        }
    });
    view! {
        <p>
            <ProviderIcon provider=passkey.provider />
            " "
            <strong class="break-words">{passkey.name}</strong>
            {passkey.current.then(|| view! { " " <span class="tag">{t("This device")}</span> })}
            {passkey.suspended.then(|| view! { " " <span class="tag wrong">{t("Suspended")}</span> })}
            {passkey.elsewhere.then(|| view! { " " <span class="tag wrong">{t("Other site")}</span> })}
        </p>
        <p class="explain">
            {provider} {kept} " " {sentence("Created {}.", [day(passkey.created_at)])} {last_used}
        </p>
        {passkey.suspended
            .then(|| view! { <p class="explain">{t("This passkey was suspended when you secured your account, because it was new. Remove it.")}</p> })}
        {passkey.elsewhere
            .then(|| view! { <p class="explain">{t("Created when this site had a different address. It doesn't work here.")}</p> })}
        {passkey
            .held_until
            .filter(|_| !passkey.suspended)
            .map(|until| {
                view! {
                    <p class="explain">
                        {sentence(
                            "Added after a sign-in by email or with an administrator's link. You can sign in with it, \
                             but you can't change security settings with it until {}. If you didn't add it, remove it.",
                            [view! { <LocalTime at=until with_time=true /> }.into_any()],
                        )}
                    </p>
                }
            })}
    }
    .into_any()
}

/// An icon to tell passkeys apart: the provider's initial on a colour of its own, or a key if the provider is unknown.
/// For display only: authenticators report their provider without proof.
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

/// Offers to sign out the devices that used a removed passkey.
#[component]
fn Removed(id: String, sessions: usize) -> impl IntoView {
    let still = counted(
        sessions,
        "One device is still signed in with this passkey.",
        "{} devices are still signed in with this passkey.",
    );
    view! {
        <section class="card" aria-labelledby="removed-heading">
            <h2 id="removed-heading">{t("Passkey removed")}</h2>
            <p>{still}</p>
            <form method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=AccountAction::EndSessionsOf.name() />
                <input type="hidden" name="id" value=id />
                <button type="submit" class="button quiet">
                    {t(if sessions == 1 { "Sign it out" } else { "Sign them out" })}
                </button>
            </form>
            <p class="aside">
                <a href=Section::Devices.path()>{t("See all devices")}</a>
            </p>
        </section>
    }
    .into_any()
}
