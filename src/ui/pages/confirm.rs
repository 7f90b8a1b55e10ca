//! "Confirm it's you": the page before an action that needs a fresh authentication.

use super::code::CodeField;
use crate::api::reauthenticate::{FinishReauthentication, StartReauthentication};
use crate::browser::{self, Abort, BrowserError, Mediation};
use crate::types::{ApiError, paths};
use crate::ui::components::{Alert, FormRefusal};
use crate::ui::words::{bold, sentence, t};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// How a user can confirm their identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Passkey,
    /// An email was sent.
    EmailSent,
    /// An email can be sent.
    EmailOffered,
    /// Neither works: the user must sign in again.
    SignIn,
    /// The identity is confirmed already.
    Done,
}

/// Asks the user to confirm their identity. The pending action is stored on the server, under the token in the address.
#[component]
pub fn IdentityPage(
    /// The address of this page, which its forms post to.
    address: String,
    /// The action, as a sentence such as "To remove the passkey, confirm it's you."
    act: &'static str,
    /// The text that was entered for the action; empty if there is none.
    typed: String,
    proof: Proof,
    /// The page that "Cancel" leads to.
    cancel: String,
    /// Why the last attempt was refused.
    refusal: Option<ApiError>,
) -> impl IntoView {
    let lead = if proof == Proof::Done { "Identity confirmed." } else { act };
    view! {
        <h1>{t("Confirm it's you")}</h1>
        {refusal
            .filter(|error| !is_beside_code(proof, *error))
            .map(|error| view! { <FormRefusal error /> })}
        <p class="lead">{t(lead)}</p>
        {(!typed.is_empty())
            .then(|| {
                view! {
                    <p>{sentence("You entered: {}", [bold(typed)])}</p>
                }
            })}
        {match proof {
            Proof::Passkey => {
                view! {
                    <noscript>
                        <p class="alert advice">{t("Passkeys need JavaScript. Turn it on and reload the page.")}</p>
                    </noscript>
                    <form id=FORM method="post" action=address></form>
                    <ConfirmWithPasskey />
                }
                    .into_any()
            }
            Proof::EmailSent => view! { <EmailSent address refusal /> }.into_any(),
            Proof::EmailOffered => view! { <EmailOffered address /> }.into_any(),
            Proof::SignIn => {
                view! {
                    <p>{t("Sign out, then sign in with a passkey.")}</p>
                    <form method="post" action=paths::SIGN_OUT>
                        <button type="submit" class="button">
                            {t("Sign out")}
                        </button>
                    </form>
                }
                    .into_any()
            }
            Proof::Done => {
                view! {
                    <form method="post" action=address>
                        <button type="submit" class="button">
                            {t("Continue")}
                        </button>
                    </form>
                }
                    .into_any()
            }
        }}
        <a class="button quiet" href=cancel>
            {t("Cancel")}
        </a>
        {(proof == Proof::Passkey)
            .then(|| {
                view! {
                    <form class="aside" method="post" action=paths::SIGN_OUT>
                        <input type="hidden" name="next" value=paths::SIGN_IN_RECOVERY />
                        {t("Can't use your passkey?")} " "
                        <button type="submit" class="link">
                            {t("Sign out and use a recovery code")}
                        </button>
                    </form>
                }
            })}
    }
}

/// Whether an error is shown next to the code field.
fn is_beside_code(proof: Proof, error: ApiError) -> bool {
    proof == Proof::EmailSent && matches!(error, ApiError::CodeWrong { .. })
}

/// The form for the code of the email that was sent.
#[component]
fn EmailSent(address: String, refusal: Option<ApiError>) -> impl IntoView {
    view! {
        <p>
            {t(
                "We've emailed you a link and a code. Enter the code here, or open the link and come back.",
            )}
        </p>
        <form class="form" method="post" action=address>
            <CodeField refusal required=false />
            <div>
                <button type="submit" class="button">
                    {t("Continue")}
                </button>
                <button type="submit" class="button quiet" name="again" value="yes">
                    {t("Resend email")}
                </button>
            </div>
        </form>
    }
}

/// Offers to send an email, since viewing a page sends none (docs/RULES.md, 4).
#[component]
fn EmailOffered(address: String) -> impl IntoView {
    view! {
        <p>{t("We can email you a link and a code.")}</p>
        <form class="form" method="post" action=address>
            <button type="submit" class="button" name="again" value="yes">
                {t("Email me a code")}
            </button>
        </form>
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

/// Asks for a passkey of the account, then submits the form.
#[island]
fn ConfirmWithPasskey() -> impl IntoView {
    let state = RwSignal::new(State::Waiting);
    let busy = move || state.get() == State::Asking;
    let confirm = move |_| {
        if state.get_untracked() == State::Asking {
            return;
        }
        state.set(State::Asking);
        spawn_local(async move {
            match reauthenticate().await {
                Ok(()) => drop(browser::submit(FORM)),
                Err(stopped) => state.set(stopped),
            }
        });
    };
    let message = move || match state.get() {
        State::Waiting | State::Asking => None,
        State::Refused(error) => Some(error.message()),
        State::Stopped(error) => error.message(),
    };
    let wait = move || match state.get() {
        State::Refused(error) => error.wait(),
        _ => 0,
    };
    view! {
        <div class="form">
            <button type="button" class="button needs-scripts" aria-disabled=move || busy().to_string() on:click=confirm>
                {move || t(if busy() { "Waiting for your device…" } else { "Confirm with a passkey" })}
            </button>
            <Alert message is_advice=move || state.get() == State::Stopped(BrowserError::Cancelled) wait />
        </div>
    }
}

async fn reauthenticate() -> Result<(), State> {
    let options = browser::call!(StartReauthentication {}).await.map_err(State::Refused)?;
    let credential = browser::get(&options, Mediation::Dialog, &Abort::default()).await.map_err(State::Stopped)?;
    let finished = browser::call!(FinishReauthentication { credential: &credential }).await;
    finished.map(drop).map_err(State::Refused)
}
