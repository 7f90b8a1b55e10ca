use crate::types::{ApiError, paths};
use crate::ui::components::Countdown;
use crate::ui::words::t;
use leptos::prelude::*;

/// The page for a refusal, such as "not found": what happened, and a link to continue.
#[component]
pub fn RefusalPage(
    error: ApiError,
    /// Whether it answers a form, whose text the browser still has.
    is_form: bool,
) -> impl IntoView {
    let can_repeat = is_form && matches!(error, ApiError::TooManyRequests { .. } | ApiError::Unavailable);
    let (target, label) = match error {
        ApiError::InvitationRequired
        | ApiError::LinkExpired
        | ApiError::OtherBrowser
        | ApiError::SignUpOff
        | ApiError::SignedOut => (paths::SIGN_IN, "Go to sign in"),
        ApiError::OtherAccount | ApiError::AddressTaken => (paths::ACCOUNT, "Go to your account"),
        _ => (paths::HOME, "Go to the home page"),
    };
    view! {
        <h1>{t(heading(error))}</h1>
        <p class="lead">{t(error.message())}</p>
        {(error.wait() > 0).then(|| view! { <Countdown seconds=error.wait() /> })}
        {can_repeat.then(|| view! { <p>{t("To return to what you entered, go back in your browser.")}</p> })}
        <a class="button" href=target>
            {t(label)}
        </a>
    }
}

/// The heading of the page, which is also its title.
#[must_use]
pub fn heading(error: ApiError) -> &'static str {
    match error {
        ApiError::NotFound => "Page not found",
        ApiError::Unavailable => "Temporarily unavailable",
        ApiError::TooManyRequests { .. } => "Too many attempts",
        ApiError::LinkExpired => "This link no longer works",
        ApiError::OtherBrowser => "Open this in the other browser",
        ApiError::OtherAccount => "This email is for another account",
        ApiError::InvitationRequired => "By invitation only",
        ApiError::SignUpOff => "Sign-up is closed",
        ApiError::AccountDisabled => "This account is disabled",
        ApiError::CrossOrigin | ApiError::MethodNotAllowed => "Nothing was changed",
        _ => "Something went wrong",
    }
}
