use crate::types::{ApiError, paths};
use crate::ui::components::{Properties, WithProperties, count_down, properties};
use crate::ui::words::{bold, counted, fill, sentence, t};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// A requested email, as its page describes it.
#[derive(Clone, Debug)]
pub struct PendingEmail {
    /// The username or address that was entered. The page does not reveal whether it has an account.
    pub asked_for: String,
    /// The username and display name of the new account, when signing up.
    pub user: Option<(String, String)>,
    /// The code and the username of a refused form.
    pub typed: Option<(String, String)>,
    /// The page where the entry can be corrected.
    pub correct_at: Option<&'static str>,
    /// The page to open after sign-in.
    pub next: String,
    /// The sign-in page that continues there.
    pub sign_in: String,
    pub minutes_left: u64,
    /// Seconds until another email may be requested.
    pub resend_in: u32,
}

/// "Check your email", and the field for the code. Plain forms: they work with scripts off.
#[component]
pub fn CodePage(
    email: PendingEmail,
    /// Why the last attempt was refused, if that is about a field.
    refusal: Option<ApiError>,
) -> impl IntoView {
    let sent = match email.user {
        None => "If {} has an account with a confirmed email, we've sent it a link and a code.",
        Some(_) => "We've emailed a link and a code to {}.",
    };
    let expiry = counted(
        usize::try_from(email.minutes_left).unwrap_or(usize::MAX),
        "Open the link in this browser, or enter the code. Both expire in 1 minute.",
        "Open the link in this browser, or enter the code. Both expire in {} minutes.",
    );
    let (code, typed_username) = email.typed.unzip();
    let asked_for = email.asked_for.clone();
    let is_about_name = refusal.is_some_and(ApiError::is_about_sign_up_field);
    view! {
        <h1>{t("Check your email")}</h1>
        <p class="lead">{sentence(sent, [bold(email.asked_for)])}</p>
        <p>{expiry}</p>
        <form class="form" method="post" action=paths::SIGN_IN>
            <input type="hidden" name="action" value="code" />
            <input type="hidden" name="next" value=email.next />
            <input type="hidden" name="identifier" value=asked_for />
            {email
                .user
                .map(|(username, display_name)| {
                    view! {
                        <input type="hidden" name="display_name" value=display_name />
                        <UsernameField username=typed_username.unwrap_or(username) refusal />
                    }
                })}
            <CodeField code=code.unwrap_or_default() refusal is_first=!is_about_name />
            <button type="submit" class="button">
                {t("Continue")}
            </button>
        </form>
        <WithProperties properties=ResendProperties { seconds: email.resend_in }>
            <Resend />
        </WithProperties>
        {email.correct_at.map(|page| view! { <p class="aside"><a href=page>{t("Made a typo? Correct it")}</a></p> })}
        <p class="aside">
            <a href=email.sign_in>{t("Sign in another way")}</a>
        </p>
    }
}

/// The field for the 6-digit code, which some systems fill in from the email.
#[component]
pub fn CodeField(
    /// The code that was entered before a refusal of another field.
    #[prop(optional)]
    code: String,
    /// Why the last code was refused.
    #[prop(optional_no_strip)]
    refusal: Option<ApiError>,
    /// Whether the form cannot be submitted without a code.
    #[prop(default = true)]
    required: bool,
    /// Whether it is the first field on the page.
    #[prop(default = true)]
    is_first: bool,
) -> impl IntoView {
    let error = refusal.filter(|error| matches!(error, ApiError::CodeWrong { .. }));
    view! {
        <div class="field">
            <label for="code">{t("Code")}</label>
            <input
                id="code"
                name="code"
                class="code"
                type="text"
                inputmode="numeric"
                autocomplete="one-time-code"
                maxlength="16"
                required=required
                value=code
                autofocus=is_first || error.is_some()
                aria-invalid=error.map(|_| "true")
                aria-describedby="code-note"
            />
            <p id="code-note" class="note" class:error=error.is_some()>
                {t(error.map_or("Enter the 6-digit code from the email.", ApiError::message))}
            </p>
        </div>
    }
}

/// The username of an account that is not created yet; it can be changed if it was taken in the meantime.
#[component]
pub fn UsernameField(
    username: String,
    /// Why the last username was refused.
    #[prop(optional_no_strip)]
    refusal: Option<ApiError>,
) -> impl IntoView {
    let error = refusal.filter(|error| matches!(error, ApiError::InvalidUsername | ApiError::UsernameTaken));
    view! {
        <div class="field">
            <label for="username">{t("Username")}</label>
            <input
                id="username"
                name="username"
                type="text"
                autocomplete="username"
                autocapitalize="none"
                spellcheck="false"
                maxlength="32"
                required
                value=username
                autofocus=error.is_some()
                aria-invalid=error.map(|_| "true")
                aria-describedby="username-note"
            />
            <p id="username-note" class="note" class:error=error.is_some()>
                {t(error.map_or("3 to 32 letters, digits, dots, hyphens or underscores.", ApiError::message))}
            </p>
        </div>
    }
}

properties! {
    struct ResendProperties {
        /// Until another email can be requested.
        seconds: u32,
    }
}

/// Requests the email again after a wait. With scripts off there is no countdown, and the button works at once.
#[island]
fn Resend() -> impl IntoView {
    let ResendProperties { seconds } = Properties::read();
    let left = RwSignal::new(0);
    Effect::new(move || count_down(left, seconds));
    let label = move || match left.get() {
        0 => t("Resend email").to_owned(),
        seconds => fill("Resend email ({} s)", &[&seconds.to_string()]),
    };
    // Not disabled, since the keyboard cannot reach a disabled button.
    let submit = move |event: SubmitEvent| {
        if left.get_untracked() != 0 {
            event.prevent_default();
        }
    };
    view! {
        <form method="post" action=paths::SIGN_IN on:submit=submit>
            <input type="hidden" name="action" value="resend" />
            <button type="submit" class="button quiet" aria-disabled=move || (left.get() != 0).to_string()>
                {label}
            </button>
        </form>
    }
}
