use super::code::CodeField;
use super::folded::Typed;
use super::make_passkey::{AddPasskey, Offer};
use super::safety::{ActivityLine, ActivitySection, LeavingSection, ProfileSection, RecoverySection};
use super::security::{PasskeySection, SessionSection};
use crate::api::session::Session;
use crate::browser;
use crate::types::{AccountAction, ApiError, paths, views};
use crate::ui::components::Signals;
use crate::ui::words::{bold, counted, fill, sentence, t};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The contents of the account page beside the user's profile.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, independent of the others")]
#[derive(Clone, Debug)]
pub struct AccountState {
    /// How many passkeys sign in here.
    pub usable_passkeys: usize,
    pub passkeys: Vec<views::Passkey>,
    pub sessions: Vec<views::Session>,
    pub offers_passkey: bool,
    pub confirmation: Confirmation,
    /// Whether this session may only add a passkey.
    pub is_confined: bool,
    /// Whether a passkey was made in this session.
    pub has_made_passkey: bool,
    /// Whether an email is a way in, too.
    pub email_signs_in: bool,
    pub sends_email: bool,
    pub recovery_codes: u32,
    pub activity: Vec<ActivityLine>,
    pub has_older_activity: bool,
    /// Whether a passkey is to be added now.
    pub is_adding: bool,
    /// A passkey that was just removed, and how many sessions it had opened.
    pub removed: Option<(String, usize)>,
    /// The JSON for [`Signals`].
    pub accepted: String,
    pub details: String,
}

/// The state of an unconfirmed address: the one that the account claims, or another that was asked
/// for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    NotNeeded,
    Needed {
        address: String,
    },
    /// An email is on its way to it whose code may be typed here.
    WaitsForCode {
        address: String,
    },
}

/// The person's own facts, and what they may want to do now.
#[component]
pub fn AccountPage(
    user: views::User,
    account: AccountState,
    /// Why the last code was refused.
    refusal: Option<ApiError>,
    /// A form that was not done, with what was typed in it.
    typed: Option<Typed>,
) -> impl IntoView {
    view! {
        <h1 class="break-words">{fill("Hello, {}", &[&user.display_name])}</h1>
        <Signals accepted=account.accepted.clone() details=account.details.clone() />
        {account.removed.clone().map(|(id, sessions)| view! { <Removed id sessions /> })}
        {account.is_adding.then(|| view! { <AddPasskey /> })}
        {(account.offers_passkey && !account.is_adding).then(|| view! { <Offer confined=account.is_confined /> })}
        {if account.is_confined {
            (!account.offers_passkey).then(|| view! { <Confined has_made_passkey=account.has_made_passkey /> }).into_any()
        } else {
            view! {
                <StillHere />
                <Facts user account refusal typed />
            }
                .into_any()
        }}
    }
}

/// The end of a session that could only add a passkey.
#[component]
fn Confined(has_made_passkey: bool) -> impl IntoView {
    view! {
        <p class="lead">
            {if has_made_passkey {
                t("Your passkey is ready. Sign out, then sign in with it.")
            } else {
                t("You can't do anything else in this session. Sign out, then sign in with a passkey or \
                   request another email.")
            }}
        </p>
        <form method="post" action=paths::SIGN_OUT>
            <input type="hidden" name="next" value=paths::SIGN_IN />
            <button type="submit" class="button">
                {t("Sign in with your passkey")}
            </button>
        </form>
    }
}

#[component]
fn Facts(user: views::User, account: AccountState, refusal: Option<ApiError>, typed: Option<Typed>) -> impl IntoView {
    let again = user.clone();
    let proof = if user.email_verified { "Confirmed" } else { "Not confirmed" };
    view! {
        {match account.confirmation {
            Confirmation::NotNeeded => None,
            Confirmation::Needed { address } => Some((address, false)),
            Confirmation::WaitsForCode { address } => Some((address, true)),
        }
            .map(|(address, waits_for_code)| view! { <ConfirmAddress address waits_for_code refusal /> })}
        <dl class="profile">
            <dt>{t("Name")}</dt>
            <dd>{user.display_name}</dd>
            <dt>{t("Username")}</dt>
            <dd>{user.username}</dd>
            <dt>{t("Email")}</dt>
            <dd>
                {match user.email {
                    Some(address) => view! { {address} " " <span class="tag">{t(proof)}</span> }.into_any(),
                    None => t("None").into_any(),
                }}
            </dd>
            <dt>{t("Passkeys")}</dt>
            <dd data-testid="passkeys">{account.usable_passkeys}</dd>
            <dt>{t("Account ID")}</dt>
            <dd>
                <code>{user.id}</code>
            </dd>
        </dl>
        <ProfileSection user=again sends_email=account.sends_email typed=typed.clone() />
        <PasskeySection
            passkeys=account.passkeys
            usable=account.usable_passkeys
            email_signs_in=account.email_signs_in
            recovery_codes=account.recovery_codes
            typed=typed.clone()
        />
        <RecoverySection left=account.recovery_codes />
        <SessionSection sessions=account.sessions />
        <ActivitySection lines=account.activity has_more=account.has_older_activity />
        <LeavingSection typed />
    }
}

/// Asks for the code of the email that proves the address; a form that works with scripts off.
#[component]
fn ConfirmAddress(address: String, waits_for_code: bool, refusal: Option<ApiError>) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="confirm-heading">
            <h2 id="confirm-heading">{t("Confirm your email address")}</h2>
            <p>{sentence("Confirm {} so it can get you back in if you lose your passkey.", [bold(address)])}</p>
            {waits_for_code
                .then(|| {
                    view! {
                        <form class="form" method="post" action=paths::EMAIL_CONFIRM>
                            <CodeField refusal />
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

/// Offers to sign out the devices that used a removed passkey.
#[component]
fn Removed(id: String, sessions: usize) -> impl IntoView {
    let still = counted(sessions, "One device is still signed in with it.", "{} devices are still signed in with it.");
    view! {
        <section class="card" aria-labelledby="removed-heading">
            <h2 id="removed-heading">{t("Passkey removed")}</h2>
            <p>{still}</p>
            <form method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=AccountAction::EndSessionsOf.name() />
                <input type="hidden" name="id" value=id />
                <button type="submit" class="button quiet">
                    {t("Sign them out")}
                </button>
            </form>
        </section>
    }
    .into_any()
}

/// Tells when the session has ended while the page was open. Signing in in another tab keeps what was typed here.
#[island]
fn StillHere() -> impl IntoView {
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
            <div class="alert ended" hidden=move || !has_ended.get()>
                <p>{t("You've been signed out. Your text is still here; sign in to save it.")}</p>
                <a class="button quiet" href=paths::SIGN_IN target="_blank">
                    {t("Sign in")}
                </a>
            </div>
        </div>
    }
}
