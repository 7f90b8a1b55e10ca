use super::activity::{ActivityLine, ActivityList};
use super::passkeys::rename_field;
use super::profile::{Email, Fact};
use super::recovery_codes::counted_codes;
use super::row::{Row, RowLink};
use crate::types::{Section, paths, views};
use crate::ui::pages::create_passkey::Offer;
use crate::ui::words::{counted, t};
use leptos::prelude::*;

/// The state of the account at a glance.
#[derive(Clone, Debug)]
pub struct Overview {
    /// How many passkeys work here.
    pub usable_passkeys: usize,
    pub recovery_codes: u32,
    pub devices: usize,
    /// The newest events.
    pub activity: Vec<ActivityLine>,
    pub offers_passkey: bool,
    /// Whether an unconfirmed address can be confirmed.
    pub sends_email: bool,
    /// The passkey that was just created.
    pub new_passkey: Option<views::Passkey>,
}

#[component]
pub fn OverviewSection(user: views::User, overview: Overview) -> impl IntoView {
    let Overview { usable_passkeys, recovery_codes, devices, activity, offers_passkey, sends_email, new_passkey } =
        overview;
    let tasks = [
        ("Confirm your email", Section::Profile.path(), user.email_verified, sends_email && user.email.is_some()),
        ("Add a passkey", paths::ADD_PASSKEY, false, usable_passkeys == 0),
        ("Add a second passkey", paths::ADD_PASSKEY, usable_passkeys > 1, usable_passkeys > 0),
        ("Get recovery codes", Section::RecoveryCodes.path(), recovery_codes > 0, true),
    ];
    let tasks = tasks.map(|(text, href, is_done, is_available)| Task { text, href, is_done, is_available });
    let passkeys = match usable_passkeys {
        0 => t("None").to_owned(),
        count => counted(count, "1 passkey", "{} passkeys"),
    };
    let facts = [
        ("Name", user.display_name.into_any(), "Change your name", Section::Profile),
        ("Username", user.username.into_any(), "Change your username", Section::Profile),
        (
            "Email",
            view! { <Email address=user.email is_confirmed=user.email_verified /> }.into_any(),
            "Change your email address",
            Section::Profile,
        ),
        (
            "Passkeys",
            view! { <span data-testid="passkeys">{passkeys}</span> }.into_any(),
            "Manage your passkeys",
            Section::Passkeys,
        ),
        (
            "Recovery codes",
            counted_codes(recovery_codes).into_any(),
            "Manage your recovery codes",
            Section::RecoveryCodes,
        ),
        (
            "Devices",
            counted(devices, "1 device is signed in.", "{} devices are signed in.").into_any(),
            "Manage your devices",
            Section::Devices,
        ),
    ];
    let rows = facts.map(|(label, value, what, section)| {
        let about = view! { <Fact label value /> }.into_any();
        let text = if section == Section::Profile { "Change" } else { "Manage" };
        view! {
            <Row about>
                <RowLink href=section.path() text label=what />
            </Row>
        }
    });
    view! {
        {new_passkey.map(|passkey| view! { <NewPasskey passkey /> })}
        {offers_passkey.then(|| view! { <Offer confined=false /> })}
        <Checklist tasks />
        <section class="card" aria-labelledby="section">
            <ul class="rows">{rows.into_iter().collect::<Vec<_>>()}</ul>
        </section>
        <section class="card" aria-labelledby="activity-heading">
            <h2 id="activity-heading">{t("Recent activity")}</h2>
            <ActivityList lines=activity />
            <p>
                <a href=Section::Activity.path()>{t("Show all activity")}</a>
            </p>
        </section>
    }
    .into_any()
}

/// Says that a passkey was created, and offers to name it.
#[component]
fn NewPasskey(passkey: views::Passkey) -> impl IntoView {
    let field = rename_field(&passkey);
    view! {
        <section class="card" aria-labelledby="ready-heading">
            <h2 id="ready-heading">{t("Your passkey is ready")}</h2>
            <p>{t("Use it the next time you sign in. Give it a name you'll recognise:")}</p>
            <form class="field" method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=field.action.name() />
                <input type="hidden" name="id" value=field.about />
                <label for="ready-name">{t("Passkey name")}</label>
                <input
                    id="ready-name"
                    name=field.name
                    type=field.kind
                    autocomplete=field.autocomplete
                    autocapitalize=field.autocapitalize
                    spellcheck="false"
                    maxlength=field.maxlength
                    required
                    value=field.value
                    aria-describedby="ready-note"
                />
                <p id="ready-note" class="note">
                    {t(field.hint)}
                </p>
                <button type="submit" class=field.class>
                    {t(field.button)}
                </button>
            </form>
        </section>
    }
    .into_any()
}

struct Task {
    text: &'static str,
    href: &'static str,
    is_done: bool,
    /// Whether the user can do it now.
    is_available: bool,
}

/// The steps that secure the account; renders nothing once all are done.
#[component]
fn Checklist(tasks: [Task; 4]) -> impl IntoView {
    let available = || tasks.iter().filter(|task| task.is_available);
    if available().all(|task| task.is_done) {
        return ().into_any();
    }
    let item = |task: &Task| {
        let Task { text, href, is_done, .. } = *task;
        if is_done {
            view! {
                <li class="done">
                    <span class="unseen">{t("Done:")}</span>
                    {t(text)}
                </li>
            }
            .into_any()
        } else {
            view! {
                <li>
                    <a href=href>{t(text)}</a>
                </li>
            }
            .into_any()
        }
    };
    view! {
        <section class="card" aria-labelledby="checklist-heading">
            <h2 id="checklist-heading">{t("Make sure you can always get in")}</h2>
            <ul class="checklist">{available().map(item).collect::<Vec<_>>()}</ul>
        </section>
    }
    .into_any()
}
