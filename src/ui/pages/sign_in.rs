use crate::api::sign_in::{finish_sign_in, start_sign_in};
use crate::browser::{self, Abort, BrowserError, Mediation};
use crate::types::{ApiError, paths, views};
use crate::ui::components::{Alert, NeedsScripts, SubmitButton};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Signing in with a passkey: from the suggestions of the name field, or by the button.
#[component]
pub fn SignInPage(next: Option<String>) -> impl IntoView {
    view! {
        <h1>"Sign in"</h1>
        <NeedsScripts />
        <SignInForm next />
        <p class="aside">"New here? " <a href=paths::SIGN_UP>"Sign up"</a></p>
    }
}

/// A ceremony lives five minutes; autofill begins a fresh one before that.
const REARM_MILLIS: u32 = 4 * 60 * 1_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Asking,
    Stopped(Stop),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Refused(ApiError),
    Browser(BrowserError),
}

impl State {
    fn message(self) -> Option<&'static str> {
        match self {
            Self::Stopped(Stop::Refused(error)) => Some(error.message()),
            Self::Stopped(Stop::Browser(error)) => error.message(),
            Self::Waiting | Self::Asking => None,
        }
    }
}

/// What the island works with: copied into every task it starts.
#[derive(Clone, Copy)]
struct SignIn {
    state: RwSignal<State>,
    keep: RwSignal<bool>,
    next: StoredValue<Option<String>>,
    /// The request that the browser holds now; there is never more than one.
    pending: StoredValue<Abort, LocalStorage>,
    immediate: RwSignal<bool>,
}

impl SignIn {
    /// Ends the browser's pending request and begins another.
    fn replace_pending(self) -> Abort {
        let fresh = Abort::default();
        self.pending.with_value(Abort::abort);
        self.pending.set_value(fresh.clone());
        fresh
    }

    /// Offers passkeys in the name field and begins again before the ceremony expires.
    async fn offer_in_field(self) {
        if !browser::supports_autofill().await {
            return;
        }
        let abort = self.replace_pending();
        match self.ask(Mediation::Autofill, &abort).await {
            Ok(opened) => browser::go(&opened.next),
            // Not something that the person did: the page stays as it is.
            Err(Stop::Browser(_) | Stop::Refused(ApiError::Unavailable | ApiError::Unreachable)) => {}
            Err(stop) => {
                self.state.set(State::Stopped(stop));
                spawn_local(self.offer_in_field_boxed());
            }
        }
    }

    fn offer_in_field_boxed(self) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(self.offer_in_field())
    }

    /// The person pressed the button.
    async fn open_dialog(self) {
        self.state.set(State::Asking);
        let mut outcome = Err(Stop::Browser(BrowserError::Cancelled));
        if self.immediate.get_untracked() {
            self.immediate.set(false);
            outcome = self.ask(Mediation::Immediate, &self.replace_pending()).await;
        }
        if outcome.as_ref().err() == Some(&Stop::Browser(BrowserError::Cancelled)) {
            outcome = self.ask(Mediation::Dialog, &self.replace_pending()).await;
        }
        match outcome {
            Ok(opened) => browser::go(&opened.next),
            Err(stop) => {
                self.state.set(State::Stopped(stop));
                self.offer_in_field().await;
            }
        }
    }

    async fn ask(self, mediation: Mediation, abort: &Abort) -> Result<views::SignedIn, Stop> {
        if !browser::supports_passkeys() {
            return Err(Stop::Browser(BrowserError::Unsupported));
        }
        let options = start_sign_in().await.map_err(Stop::Refused)?.public_key;
        let credential = browser::get(&options, mediation, abort).await.map_err(Stop::Browser)?;
        self.state.set(State::Asking);
        let finished = finish_sign_in(credential.clone(), self.next.get_value(), Some(self.keep.get_untracked())).await;
        if finished.as_ref().err() == Some(&ApiError::UnknownPasskey) {
            browser::forget_unknown(&options, &credential).await;
        }
        finished.map_err(Stop::Refused)
    }

    /// Begins a fresh ceremony for the name field, unless a dialog is open.
    fn rearm(self) {
        if self.state.get_untracked() != State::Asking {
            spawn_local(self.offer_in_field());
        }
    }
}

#[island]
fn SignInForm(next: Option<String>) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let sign_in = SignIn {
        state: RwSignal::new(State::Waiting),
        keep: RwSignal::new(false),
        next: StoredValue::new(next),
        pending: StoredValue::new_local(Abort::default()),
        immediate: RwSignal::new(false),
    };
    Effect::new(move || {
        spawn_local(async move {
            sign_in.immediate.set(browser::supports_immediate().await);
            sign_in.rearm();
            loop {
                browser::pause(REARM_MILLIS).await;
                if browser::is_visible() {
                    sign_in.rearm();
                }
            }
        });
        browser::when_visible(move || sign_in.rearm());
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if sign_in.state.get_untracked() != State::Asking {
            spawn_local(sign_in.open_dialog());
        }
    };

    view! {
        <form class="form" method="post" on:submit=submit novalidate>
            <Alert message=Signal::derive(move || sign_in.state.get().message()) />
            <div class="field">
                <label for="username">"Username or e-mail"</label>
                <input
                    id="username"
                    name="username"
                    type="text"
                    autocomplete="username webauthn"
                    autocapitalize="none"
                    spellcheck="false"
                    maxlength="254"
                    aria-describedby="username-note"
                    bind:value=name
                />
                <p id="username-note" class="note">
                    "Your browser may offer your passkey here. You can also leave this empty."
                </p>
            </div>
            <label class="check">
                <input type="checkbox" name="keep" bind:checked=sign_in.keep />
                "Keep me signed in"
            </label>
            <SubmitButton
                label="Sign in with a passkey"
                busy_label="Waiting for your device…"
                busy=Signal::derive(move || sign_in.state.get() == State::Asking)
            />
        </form>
    }
}
