use crate::types::{ApiError, paths};
use crate::ui::components::Countdown;
use crate::ui::words::t;
use leptos::prelude::*;

/// A form that was refused only for now.
#[derive(Clone, Debug)]
pub struct SentForm {
    /// The path and query that it was sent to.
    pub action: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

/// The page for a refusal, such as "not found": what happened, and a link to continue.
#[component]
pub fn RefusalPage(
    error: ApiError,
    message: &'static str,
    /// The refused form, if it can be sent again.
    form: Option<SentForm>,
) -> impl IntoView {
    let is_main = form.is_none() && error != ApiError::OtherAccount;
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
        <p class="lead">{t(message)}</p>
        {(error.wait() > 0).then(|| view! { <Countdown seconds=error.wait() /> })}
        {form.map(|form| view! { <SendAgain form /> })}
        {(error == ApiError::OtherAccount)
            .then(|| {
                view! {
                    <form method="post" action=paths::SIGN_OUT>
                        <input type="hidden" name="next" value=paths::SIGN_IN />
                        <button type="submit" class="button">
                            {t("Use another account")}
                        </button>
                    </form>
                }
            })}
        <a class="button" class:quiet=!is_main href=target>
            {t(label)}
        </a>
    }
}

/// Fields that users type into.
const TYPED: [&str; 6] = ["code", "display_name", "email", "identifier", "name", "username"];

#[component]
fn SendAgain(form: SentForm) -> impl IntoView {
    let has_text = form.fields.iter().any(|(name, value)| !value.is_empty() && TYPED.contains(&name.as_str()));
    let field = |(name, value)| view! { <input type="hidden" name=name value=value /> };
    view! {
        <form class="form" method="post" action=form.action>
            {form.fields.into_iter().map(field).collect_view()}
            {has_text.then(|| view! { <p>{t("We've kept what you entered. Try again to send it.")}</p> })}
            <button type="submit" class="button">
                {t("Try again")}
            </button>
        </form>
    }
}

/// The message. Links of security notifications can't be requested again.
#[must_use]
pub fn message(error: ApiError, path: &str) -> &'static str {
    match (error, path) {
        (ApiError::LinkExpired, paths::NOT_ME | paths::EMAIL_UNDO) => {
            "This link has expired or was already used. If you don't recognise a change, sign in and check your account."
        }
        // The heading says the rest.
        (ApiError::OtherAccount, _) => "Sign in to that account, then open the link again.",
        (ApiError::TooManyRequests { .. }, _) => "Please wait a moment.",
        (ApiError::SignUpOff, _) => "You can't create an account at the moment.",
        _ => error.message(),
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
        ApiError::OtherBrowser => "Open the link in the other browser",
        ApiError::OtherAccount => "This email is for another account",
        ApiError::InvitationRequired => "By invitation only",
        ApiError::SignUpOff => "Sign-up is closed",
        ApiError::AccountDisabled => "This account is disabled",
        ApiError::CrossOrigin | ApiError::MethodNotAllowed => "Nothing was changed",
        _ => "Something went wrong",
    }
}
