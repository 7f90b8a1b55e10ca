//! "Confirm that it is you": asked for in place, with what was being done kept in the form.

use super::code::CodeField;
use crate::api::reauthenticate::{FinishReauthentication, StartReauthentication};
use crate::browser::{self, Abort, BrowserError, Mediation};
use crate::types::{ApiError, paths};
use crate::ui::components::Alert;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// How a person can show that they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Passkey,
    /// A letter is on its way.
    Letter,
    /// Neither: only signing in anew.
    SignIn,
}

/// Keeps the fields of a form that was sent, and sends it again once it is known who is there.
#[component]
pub fn IdentityPage(
    /// The form as it was sent.
    fields: Vec<(String, String)>,
    /// What it would do, in words such as "remove the passkey".
    act: &'static str,
    proof: Proof,
    /// Why the last proof was refused.
    refusal: Option<ApiError>,
) -> impl IntoView {
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect::<Vec<_>>();
    view! {
        <h1>"Confirm that it is you"</h1>
        <p class="lead">{format!("To {act}, show once more that you are there. Then it goes on by itself.")}</p>
        {match proof {
            Proof::Passkey => {
                view! {
                    <noscript>
                        <p class="alert">"Passkeys need JavaScript. Please turn it on for this page and reload."</p>
                    </noscript>
                    <form id=FORM method="post" action=paths::ACCOUNT>
                        {fields}
                    </form>
                    <ConfirmWithPasskey />
                }
                    .into_any()
            }
            Proof::Letter => {
                view! {
                    <p>"A letter is on its way to your address. Type its code here."</p>
                    <form class="form" method="post" action=paths::ACCOUNT>
                        {fields} <CodeField refusal /> <button type="submit" class="button">
                            "Go on"
                        </button>
                    </form>
                }
                    .into_any()
            }
            Proof::SignIn => {
                view! {
                    <p>"Sign out, and sign in again with a passkey."</p>
                    <form method="post" action=paths::SIGN_OUT>
                        <button type="submit" class="button">
                            "Sign out"
                        </button>
                    </form>
                }
                    .into_any()
            }
        }}
        <p class="aside">
            <a href=paths::ACCOUNT>"Cancel"</a>
        </p>
    }
}

const FORM: &str = "pending";

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Asking,
    Refused(ApiError),
    Stopped(BrowserError),
}

/// Asks for a passkey of the account, then sends the form.
#[island]
fn ConfirmWithPasskey() -> impl IntoView {
    let state = RwSignal::new(State::Waiting);
    let busy = Signal::derive(move || state.get() == State::Asking);
    let confirm = move |_| {
        state.set(State::Asking);
        spawn_local(async move {
            match confirmed().await {
                Ok(()) => browser::submit(FORM),
                Err(stopped) => state.set(stopped),
            }
        });
    };
    let message = Signal::derive(move || match state.get() {
        State::Waiting | State::Asking => None,
        State::Refused(error) => Some(error.message()),
        State::Stopped(error) => error.message(),
    });
    view! {
        <div class="form">
            <button type="button" class="button needs-scripts" disabled=busy on:click=confirm>
                {move || if busy.get() { "Waiting for your device…" } else { "Confirm with a passkey" }}
            </button>
            <Alert message />
        </div>
    }
}

async fn confirmed() -> Result<(), State> {
    let options = browser::call(&StartReauthentication {}).await.map_err(State::Refused)?;
    let credential = browser::get(&options, Mediation::Dialog, &Abort::default()).await.map_err(State::Stopped)?;
    browser::call(&FinishReauthentication { credential }).await.map(drop).map_err(State::Refused)
}
