use crate::types::{ApiError, paths};
use crate::ui::components::{Give, Properties, count_down, properties};
use crate::ui::words::{fill, t};
use leptos::prelude::*;

/// An email that this browser asked for, as far as its page tells.
#[derive(Clone, Debug)]
pub struct PendingEmail {
    /// What was typed: a name or an address. Whether anybody bears it stays open.
    pub asked_for: String,
    /// The name that a new account will have, where the email makes one.
    pub username: Option<String>,
    pub minutes_left: u64,
    /// Seconds until it may be asked for again.
    pub resend_in: u32,
}

/// "Look in your mailbox", and the field for the code. Plain forms: they work with scripts off.
#[component]
pub fn CodePage(
    email: PendingEmail,
    /// Why the last answer was refused, if it is about a field.
    refusal: Option<ApiError>,
) -> impl IntoView {
    let minutes = if email.minutes_left == 1 {
        t("1 minute").to_owned()
    } else {
        fill("{} minutes", &[&email.minutes_left.to_string()])
    };
    let hint = match email.username {
        None => "If there is an account for it with a confirmed address, an email is on its way to that address.",
        Some(_) => "An email is on its way to this address. Answer it to finish signing up.",
    };
    view! {
        <h1>{t("Look in your mailbox")}</h1>
        <p class="lead">
            <strong class="break-words">{email.asked_for}</strong>
            ": "
            {t(hint)}
        </p>
        <p>{fill("Open its link in this browser within {}, or type its code here.", &[&minutes])}</p>
        <form class="form" method="post" action=paths::SIGN_IN>
            <input type="hidden" name="action" value="code" />
            {email.username.map(|username| view! { <UsernameField username refusal /> })}
            <CodeField refusal />
            <button type="submit" class="button">
                {t("Continue")}
            </button>
        </form>
        <Give what=ResendProperties { seconds: email.resend_in }>
            <Resend />
        </Give>
        <p class="aside">
            <a href=paths::SIGN_IN>{t("Sign in another way")}</a>
        </p>
    }
}

/// Six digits, offered by systems that read them from the email.
#[component]
pub fn CodeField(
    /// Why the last one was refused.
    #[prop(optional_no_strip)]
    refusal: Option<ApiError>,
    /// Whether the form means nothing without it.
    #[prop(default = true)]
    required: bool,
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
                autofocus=error.is_some()
                aria-invalid=error.map(|_| "true")
                aria-describedby="code-note"
            />
            <p id="code-note" class="note" class:error=error.is_some()>
                {t(error.map_or("The six digits of the email. Five tries.", ApiError::message))}
            </p>
        </div>
    }
}

/// The name of an account that is still to be made: another may be chosen if it was taken meanwhile.
#[component]
pub fn UsernameField(
    username: String,
    /// Why the last one was refused.
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
        /// Until it can be asked for again.
        seconds: u32,
    }
}

/// Asks for the email again, after a while. With scripts off nothing is counted, and it can be pressed at once.
#[island]
fn Resend() -> impl IntoView {
    let ResendProperties { seconds } = Properties::given();
    let left = RwSignal::new(0);
    Effect::new(move || count_down(left, seconds));
    let label = move || match left.get() {
        0 => t("Send the email again").to_owned(),
        seconds => fill("Send the email again in {} s", &[&seconds.to_string()]),
    };
    view! {
        <form method="post" action=paths::SIGN_IN>
            <input type="hidden" name="action" value="resend" />
            <button type="submit" class="button quiet" disabled=move || left.get() != 0>
                {label}
            </button>
        </form>
    }
}
