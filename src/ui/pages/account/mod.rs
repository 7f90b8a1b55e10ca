//! The pages of the account: one file per section, and the layout that they share. Plain forms, which work with scripts
//! off.

mod activity;
mod data;
mod devices;
mod overview;
mod passkeys;
mod profile;
mod recovery_codes;
mod row;

pub use activity::{ActivityContent, ActivityLine};
pub use data::DeletedPage;
pub use overview::Overview;
pub use passkeys::PasskeysContent;
pub use profile::{Confirmation, ProfileContent};
pub use row::RefusedForm;

use crate::api::session::Session;
use crate::browser;
use crate::types::{ApiError, Section, paths, views};
use crate::ui::components::Signals;
use crate::ui::words::{fill, t};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The content of a section.
#[derive(Clone, Debug)]
pub enum Content {
    Overview(Overview),
    Profile(ProfileContent),
    Passkeys(PasskeysContent),
    /// How many codes are left.
    RecoveryCodes(u32),
    /// The sessions, most recently seen first, each with the applications that it signed in to.
    Devices(Vec<(views::Session, Vec<String>)>),
    Activity(ActivityContent),
    Data,
}

impl Content {
    /// Whether it has a field for an emailed code.
    #[must_use]
    pub fn has_code_field(&self) -> bool {
        matches!(self, Self::Profile(profile) if matches!(profile.confirmation, Confirmation::WaitsForCode { .. }))
    }

    #[must_use]
    pub fn section(&self) -> Section {
        match self {
            Self::Overview(_) => Section::Overview,
            Self::Profile(_) => Section::Profile,
            Self::Passkeys(_) => Section::Passkeys,
            Self::RecoveryCodes(_) => Section::RecoveryCodes,
            Self::Devices(_) => Section::Devices,
            Self::Activity(_) => Section::Activity,
            Self::Data => Section::Data,
        }
    }
}

/// A section of the account with the menu of all sections.
#[component]
pub fn AccountPage(
    user: views::User,
    content: Content,
    /// The JSON for [`Signals`].
    signals: (String, String),
    /// Why the last code was refused.
    refusal: Option<ApiError>,
    /// A refused form, with the text that was entered.
    typed: Option<RefusedForm>,
) -> impl IntoView {
    let section = content.section();
    let heading = match section {
        Section::Overview => fill("Hello, {}", &[&user.display_name]),
        section => t(section.title()).to_owned(),
    };
    let (accepted, details) = signals;
    let body = match content {
        Content::Overview(overview) => view! { <overview::OverviewSection user overview /> }.into_any(),
        Content::Profile(profile) => view! { <profile::ProfileSection user profile refusal typed /> }.into_any(),
        Content::Passkeys(passkeys) => view! { <passkeys::PasskeySection passkeys typed /> }.into_any(),
        Content::RecoveryCodes(left) => view! { <recovery_codes::RecoverySection left /> }.into_any(),
        Content::Devices(sessions) => view! { <devices::DeviceSection sessions /> }.into_any(),
        Content::Activity(activity) => view! { <activity::ActivitySection activity /> }.into_any(),
        Content::Data => view! { <data::DataSection typed /> }.into_any(),
    };
    view! {
        <div class="account wide">
            <Menu current=section />
            <div>
                <h1 id="section" class="break-words">
                    {heading}
                </h1>
                <Signals accepted details />
                <SessionExpiryAlert />
                {body}
            </div>
        </div>
    }
}

#[component]
fn Menu(current: Section) -> impl IntoView {
    let link = move |section: Section| {
        view! {
            <a href=section.path() aria-current=(section == current).then_some("page")>
                {t(section.title())}
            </a>
        }
    };
    view! {
        <nav class="menu" aria-label=t("Account")>
            {Section::ALL.into_iter().map(link).collect_view()}
        </nav>
    }
}

/// The account page of a session that may only create a passkey.
#[component]
pub fn ConfinedPage(
    user: views::User,
    /// Whether a passkey can be created now.
    offers_passkey: bool,
    /// Whether one was created in this session.
    has_created_passkey: bool,
    signals: (String, String),
) -> impl IntoView {
    let (accepted, details) = signals;
    let views::User { display_name, .. } = user;
    let sentence = if has_created_passkey {
        "Your passkey is ready. Sign out, then sign in with it."
    } else {
        "You can't do anything else in this session. Sign out, then sign in with a passkey or request another email."
    };
    view! {
        <h1 class="break-words">{fill("Hello, {}", &[&display_name])}</h1>
        <Signals accepted details />
        {if offers_passkey {
            view! { <super::create_passkey::Offer confined=true /> }.into_any()
        } else {
            view! {
                <p class="lead">{t(sentence)}</p>
                <form method="post" action=paths::SIGN_OUT>
                    <input type="hidden" name="next" value=paths::SIGN_IN />
                    <button type="submit" class="button">
                        {t(if has_created_passkey { "Sign in with your passkey" } else { "Sign out" })}
                    </button>
                </form>
            }
                .into_any()
        }}
    }
}

/// Shows a warning if the session ends while the page is open. Signing in in another tab keeps the text entered here.
#[island]
fn SessionExpiryAlert() -> impl IntoView {
    let has_ended = RwSignal::new(false);
    Effect::new(move || {
        browser::when_visible(move || {
            spawn_local(async move {
                if let Some(status) = browser::status_of::<Session>().await {
                    has_ended.set(status == 401);
                }
            });
        });
    });
    view! {
        <div role="alert">
            <div class="alert advice ended" hidden=move || !has_ended.get()>
                <p>{t("You've been signed out. Your text is still here; sign in to save it.")}</p>
                <a class="button quiet" href=paths::SIGN_IN target="_blank">
                    {t("Sign in")}
                </a>
            </div>
        </div>
    }
}
