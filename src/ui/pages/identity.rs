//! "Confirm that it is you": asked for in place, with what was being done kept in the form.

use super::code::CodeField;
use crate::api::reauthenticate::{FinishReauthentication, StartReauthentication};
use crate::api::sign_in::{FinishSignIn, StartSignIn};
use crate::browser::{self, Abort, BrowserError, Mediation};
use crate::types::{ApiError, Given, paths};
use crate::ui::components::{Alert, Give, is_given};
use crate::ui::words::{fill, t};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// How a person can show that they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Passkey,
    /// An email is on its way.
    Letter,
    /// An email can be sent.
    LetterOffered,
    /// Neither: only signing in anew.
    SignIn,
    /// The session has ended: anybody may be there.
    SignedOut,
}

/// Keeps the fields of a form that was sent, and sends it again once it is known who is there.
#[component]
pub fn IdentityPage(
    /// The form as it was sent.
    fields: Vec<(String, String)>,
    /// What it would do, as a sentence such as "You want to remove the passkey."
    act: &'static str,
    proof: Proof,
    /// Why the last proof was refused.
    refusal: Option<ApiError>,
) -> impl IntoView {
    let typed = fields.iter().find(|(name, _)| matches!(name.as_str(), "name" | "email")).map(|(_, text)| text.clone());
    let hidden = |(name, value)| view! { <input type="hidden" name=name value=value /> }.into_any();
    let fields = fields.into_iter().map(hidden).collect::<Vec<_>>();
    let (heading, lead) = if proof == Proof::SignedOut {
        (
            "You are signed out",
            t("Your session has ended. Sign in, and look once more at what you had typed.").to_owned(),
        )
    } else {
        ("Confirm that it is you", fill("{} Show once more that you are there. Then it goes on by itself.", &[t(act)]))
    };
    view! {
        <h1>{t(heading)}</h1>
        <p class="lead">{lead}</p>
        {typed
            .map(|typed| {
                view! {
                    <p class="break-words">{t("You had typed:")} " " <strong>{typed}</strong></p>
                }
            })}
        {match proof {
            Proof::Passkey => {
                view! {
                    <noscript>
                        <p class="alert">{t("Passkeys need JavaScript. Please turn it on for this page and reload.")}</p>
                    </noscript>
                    <form id=FORM method="post" action=paths::ACCOUNT>
                        {fields}
                    </form>
                    <ConfirmWithPasskey />
                }
                    .into_any()
            }
            Proof::SignedOut => {
                view! {
                    <form id=FORM method="post" action=paths::ACCOUNT>
                        {fields} <input type="hidden" name="check" value="yes" />
                    </form>
                    <Give what=Given::default().flag(SIGNED_OUT, true)>
                        <ConfirmWithPasskey />
                    </Give>
                    <p class="aside">
                        <a href=format!("{}?next={}", paths::SIGN_IN, paths::ACCOUNT)>{t("Sign in another way")}</a>
                    </p>
                }
                    .into_any()
            }
            Proof::Letter => view! { <EmailSent fields refusal /> }.into_any(),
            Proof::LetterOffered => view! { <EmailOffered fields /> }.into_any(),
            Proof::SignIn => {
                view! {
                    <p>{t("Sign out, and sign in again with a passkey.")}</p>
                    <form method="post" action=paths::SIGN_OUT>
                        <button type="submit" class="button">
                            {t("Sign out")}
                        </button>
                    </form>
                }
                    .into_any()
            }
        }}
        {(proof != Proof::SignedOut)
            .then(|| {
                view! {
                    <p class="aside">
                        <a href=paths::ACCOUNT>{t("Cancel")}</a>
                    </p>
                }
            })}
    }
}

/// An email was sent: its code confirms.
#[component]
fn EmailSent(fields: Vec<AnyView>, refusal: Option<ApiError>) -> impl IntoView {
    view! {
        <p>
            {t(
                "A letter is on its way to your address. Type its code here, or open its link and come back to this page.",
            )}
        </p>
        <form class="form" method="post" action=paths::ACCOUNT>
            {fields} <CodeField refusal required=false /> <div>
                <button type="submit" class="button">
                    {t("Go on")}
                </button>
                <button type="submit" class="button quiet" name="again" value="yes">
                    {t("Send another letter")}
                </button>
            </div>
        </form>
        {refusal
            .filter(|error| !matches!(error, ApiError::CodeWrong { .. }))
            .map(|error| view! { <p class="alert">{t(error.message())}</p> })}
    }
}

/// An email can be sent: looking at a page sends none (docs/RULES.md, 4).
#[component]
fn EmailOffered(fields: Vec<AnyView>) -> impl IntoView {
    view! {
        <p>{t("We can email you a link and a code that confirm it's you.")}</p>
        <form class="form" method="post" action=paths::ACCOUNT>
            {fields} <div>
                <button type="submit" class="button" name="again" value="yes">
                    {t("Email me a code")}
                </button>
            </div>
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

/// Nobody is known to be there.
const SIGNED_OUT: &str = "signedout";

/// Asks for a passkey of the account, or signs in with any; then sends the form.
#[island]
fn ConfirmWithPasskey() -> impl IntoView {
    let signed_out = is_given(SIGNED_OUT);
    let state = RwSignal::new(State::Waiting);
    let busy = Signal::derive(move || state.get() == State::Asking);
    let confirm = move |_| {
        state.set(State::Asking);
        spawn_local(async move {
            match confirmed(signed_out).await {
                Ok(()) => drop(browser::submit(FORM)),
                Err(stopped) => state.set(stopped),
            }
        });
    };
    let message = Signal::derive(move || match state.get() {
        State::Waiting | State::Asking => None,
        State::Refused(error) => Some(error.message()),
        State::Stopped(error) => error.message(),
    });
    let wait = Signal::derive(move || match state.get() {
        State::Refused(error) => error.wait(),
        _ => 0,
    });
    let label = if signed_out { "Sign in with a passkey" } else { "Confirm with a passkey" };
    view! {
        <div class="form">
            <button type="button" class="button needs-scripts" disabled=busy on:click=confirm>
                {move || t(if busy.get() { "Waiting for your device…" } else { label })}
            </button>
            <Alert message wait />
        </div>
    }
}

async fn confirmed(signed_out: bool) -> Result<(), State> {
    let options =
        if signed_out { browser::call!(StartSignIn {}).await } else { browser::call!(StartReauthentication {}).await };
    let options = options.map_err(State::Refused)?;
    let credential = browser::get(&options, Mediation::Dialog, &Abort::default()).await.map_err(State::Stopped)?;
    let finished = if signed_out {
        browser::call!(FinishSignIn { credential: &credential }).await
    } else {
        browser::call!(FinishReauthentication { credential: &credential }).await
    };
    finished.map(drop).map_err(State::Refused)
}
