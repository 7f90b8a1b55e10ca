//! Creating a passkey: offered after a sign-in without one, or requested by the user.

use crate::api::passkeys::{FinishPasskey, StartPasskey};
use crate::browser::{self, Abort, BrowserError};
use crate::types::{AccountAction, ApiError, paths};
use crate::ui::components::{Alert, Properties, WithProperties, properties};
use crate::ui::words::t;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The form that starts adding a passkey; the server asks to confirm the identity first if that is needed.
pub const ADD_FORM: &str = "add-passkey";

/// Offers to create a passkey on this device.
#[component]
pub fn Offer(confined: bool) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="offer-heading">
            <h2 id="offer-heading">{t("Create a passkey on this device")}</h2>
            <p>
                {if confined {
                    t("Email sign-in only lets you create a passkey. Then sign in with it.")
                } else {
                    t("Next time, sign in with your fingerprint, face or screen lock.")
                }}
            </p>
            <NeedsScript />
            <CreatePasskey />
            {(!confined)
                .then(|| {
                    view! {
                        <form id=ADD_FORM method="post" action=paths::ACCOUNT hidden>
                            <input type="hidden" name="action" value=AccountAction::AddPasskey.name() />
                        </form>
                        <form method="post" action=paths::ACCOUNT>
                            <input type="hidden" name="action" value=AccountAction::Decline.name() />
                            <button type="submit" class="button quiet">
                                {t("Not now")}
                            </button>
                        </form>
                    }
                })}
        </section>
    }
    .into_any()
}

/// Adds another passkey, on this device or on a security key.
#[component]
pub fn AddPasskey() -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="add-heading">
            <h2 id="add-heading">{t("Add a passkey")}</h2>
            <NeedsScript />
            <WithProperties properties=CreatePasskeyProperties { adding: true, security_key: false }>
                <CreatePasskey />
            </WithProperties>
            <WithProperties properties=CreatePasskeyProperties { adding: true, security_key: true }>
                <CreatePasskey />
            </WithProperties>
        </section>
    }
    .into_any()
}

#[component]
fn NeedsScript() -> impl IntoView {
    view! {
        <noscript>
            <p class="alert advice">{t("Creating a passkey needs JavaScript. Turn it on and reload the page.")}</p>
        </noscript>
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Offered,
    Asking,
    Refused(ApiError),
    Stopped(BrowserError),
}

impl State {
    fn message(self) -> Option<&'static str> {
        match self {
            Self::Offered | Self::Asking => None,
            Self::Refused(error) => Some(error.message()),
            Self::Stopped(error) => error.message_on_create(),
        }
    }
}

properties! {
    struct CreatePasskeyProperties {
        /// Whether the page offers a choice of devices.
        adding: bool,
        /// Whether to create it on a security key.
        security_key: bool,
    }
}

#[island]
fn CreatePasskey() -> impl IntoView {
    let CreatePasskeyProperties { adding, security_key } = Properties::read();
    let state = RwSignal::new(State::Offered);
    let busy = move || state.get() == State::Asking;
    let create = move |_| {
        if state.get_untracked() == State::Asking {
            return;
        }
        state.set(State::Asking);
        spawn_local(async move {
            match create_passkey(security_key).await {
                Ok(()) => browser::go(paths::PASSKEY_READY),
                Err(State::Refused(ApiError::ReauthenticationRequired)) if browser::submit(ADD_FORM) => {}
                Err(stopped) => state.set(stopped),
            }
        });
    };
    let (explanation, class, label) = if security_key {
        (
            "Plug in your security key or hold it to your device, then enter its PIN.",
            "button quiet",
            "Use a security key",
        )
    } else {
        let label = if adding { "Use this device or a phone" } else { "Create a passkey" };
        ("Your device will ask for your fingerprint, face or screen lock.", "button", label)
    };
    let message = move || match state.get() {
        State::Stopped(BrowserError::Cancelled) if security_key => {
            Some("No passkey was created. Some security keys can't store one; you can try another.")
        }
        state => state.message(),
    };
    view! {
        <div class="form needs-scripts">
            <p class="explain">{t(explanation)}</p>
            <button type="button" class=class aria-disabled=move || busy().to_string() on:click=create>
                {move || t(if busy() { "Waiting for your device…" } else { label })}
            </button>
            <Alert
                message
                is_advice=move || state.get() == State::Stopped(BrowserError::Cancelled)
                wait=move || match state.get() {
                    State::Refused(error) => error.wait(),
                    _ => 0,
                }
            />
        </div>
    }
}

async fn create_passkey(security_key: bool) -> Result<(), State> {
    if !browser::supports_passkeys() {
        return Err(State::Stopped(BrowserError::Unsupported));
    }
    let options = browser::call!(StartPasskey {}).await.map_err(State::Refused)?;
    let hint = if security_key { browser::SECURITY_KEY } else { browser::THIS_DEVICE };
    let credential = browser::create(&options, hint, &Abort::default()).await.map_err(State::Stopped)?;
    match browser::call!(FinishPasskey { credential: &credential }).await {
        Ok(_) => Ok(()),
        Err(error) => {
            if error.rejects_new_passkey() {
                // The device has stored a passkey that the server does not know.
                browser::forget_unknown(&options, &credential).await;
            }
            Err(State::Refused(error))
        }
    }
}
