use crate::api::sign_up::{finish_sign_up, start_sign_up};
use crate::browser::{self, Abort, BrowserError};
use crate::types::{ApiError, paths, views};
use crate::ui::components::{Alert, Field, NeedsScripts, SubmitButton};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Making an account and its passkey, on one page.
#[component]
pub fn SignUpPage() -> impl IntoView {
    view! {
        <h1>"Sign up"</h1>
        <NeedsScripts />
        <SignUpForm />
        <p class="aside">"Do you have an account? " <a href=paths::SIGN_IN>"Sign in"</a></p>
    }
}

/// Where the form stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Editing,
    Asking,
    Refused(ApiError),
    Stopped(BrowserError),
}

impl State {
    /// The sentence beside a field, if the refusal is about that field.
    fn about(self, errors: &[ApiError]) -> Option<&'static str> {
        match self {
            Self::Refused(error) if errors.contains(&error) => Some(error.message()),
            _ => None,
        }
    }

    /// The sentence over the form, for whatever is not about one field.
    fn overall(self) -> Option<&'static str> {
        const OF_FIELDS: [ApiError; 4] =
            [ApiError::InvalidDisplayName, ApiError::InvalidUsername, ApiError::UsernameTaken, ApiError::InvalidEmail];
        match self {
            Self::Refused(error) if !OF_FIELDS.contains(&error) => Some(error.message()),
            Self::Stopped(error) => error.message_on_create(),
            _ => None,
        }
    }
}

#[island]
fn SignUpForm() -> impl IntoView {
    let display_name = RwSignal::new(String::new());
    let username = RwSignal::new(String::new());
    let email = RwSignal::new(String::new());
    let state = RwSignal::new(State::Editing);
    let busy = Signal::derive(move || state.get() == State::Asking);

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if state.get_untracked() == State::Asking {
            return;
        }
        state.set(State::Asking);
        let name = display_name.get_untracked();
        let name = (!name.trim().is_empty()).then_some(name);
        spawn_local(async move {
            match sign_up(username.get_untracked(), email.get_untracked(), name).await {
                Ok(opened) => browser::go(&opened.next),
                Err(stopped) => state.set(stopped),
            }
        });
    };

    view! {
        <form class="form" method="post" on:submit=submit novalidate>
            <Alert message=Signal::derive(move || state.get().overall()) />
            <Field
                id="display-name"
                label="Name (optional)"
                hint="What we call you on the screen."
                autocomplete="name"
                maxlength=64
                value=display_name
                error=Signal::derive(move || state.get().about(&[ApiError::InvalidDisplayName]))
            />
            <Field
                id="username"
                label="Username"
                hint="3 to 32 letters, digits, dots, hyphens or underscores."
                autocomplete="username"
                required=true
                maxlength=32
                value=username
                error=Signal::derive(move || {
                    state.get().about(&[ApiError::InvalidUsername, ApiError::UsernameTaken])
                })
            />
            <Field
                id="email"
                label="E-mail"
                hint="For the day when you have no passkey at hand."
                kind="email"
                autocomplete="email"
                required=true
                maxlength=254
                value=email
                error=Signal::derive(move || state.get().about(&[ApiError::InvalidEmail]))
            />
            <p class="explain">
                "Next, your device asks you to confirm with your fingerprint, face or screen lock. That makes your passkey."
            </p>
            <SubmitButton label="Create your passkey" busy_label="Waiting for your device…" busy />
        </form>
    }
}

async fn sign_up(username: String, email: String, name: Option<String>) -> Result<views::SignedIn, State> {
    if !browser::supports_passkeys() {
        return Err(State::Stopped(BrowserError::Unsupported));
    }
    let options = start_sign_up(username, email, name).await.map_err(State::Refused)?.public_key;
    let credential = browser::create(&options, &Abort::default()).await.map_err(State::Stopped)?;
    match finish_sign_up(credential.clone(), None).await {
        Ok(opened) => Ok(opened),
        Err(error) => {
            // The device has kept a passkey that the server does not know.
            browser::forget_unknown(&options, &credential).await;
            Err(State::Refused(error))
        }
    }
}
