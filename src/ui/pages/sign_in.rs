use super::application::{AppHeading, AppView};
use super::remembered::Remembered;
use crate::api::sign_in::{FinishSignIn, StartSignIn};
use crate::browser::{self, Abort, BrowserError, JsonValue, Mediation};
use crate::types::{ApiError, Site, paths, views};
use crate::ui::components::{
    Alert, DefaultEmailButton, EmailButton, Field, FormRefusal, NeedsScripts, Properties, SubmitButton, WithProperties,
    WithoutScripts, properties, wants_email,
};
use crate::ui::words::t;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::sync::Arc;

/// The sign-in page. Users sign in with a passkey, from the suggestions of the username field or with the button, or by
/// email.
#[component]
pub fn SignInPage(
    next: String,
    /// The text that was entered before a refusal.
    typed: Option<String>,
    /// The user who last signed in with this browser.
    last_user: Option<views::User>,
    refusal: Option<ApiError>,
    /// Whether sign-in by email is on.
    by_email: bool,
    /// The application that the user is signing in to.
    application: Option<AppView>,
) -> impl IntoView {
    let is_open = expect_context::<Arc<Site>>().is_open;
    // Entered text needs its field, which a remembered user does not have.
    let remembered = last_user.filter(|_| typed.is_none());
    let is_remembered = remembered.is_some();
    let identifier = typed.or_else(|| remembered.as_ref().map(|user| user.username.clone())).unwrap_or_default();
    let (about_name, overall) = match refusal {
        Some(ApiError::InvalidIdentifier) => (refusal, None),
        overall => (None, overall),
    };
    let given =
        SignInProperties { next: next.clone(), identifier, by_email, remembered: is_remembered, refusal: about_name };
    view! {
        {overall.map(|error| view! { <FormRefusal error /> })}
        {match application {
            Some(application) => view! { <AppHeading application text="Sign in to {}" /> }.into_any(),
            None => view! { <h1>{t(if is_remembered { "Welcome back" } else { "Sign in" })}</h1> }.into_any(),
        }}
        <NeedsScripts by_email />
        <WithoutScripts form="sign-in" />
        {remembered.map(|user| view! { <Remembered user next /> })}
        <WithProperties properties=given>
            <SignInForm />
        </WithProperties>
        {(is_open && !is_remembered)
            .then(|| view! { <p class="aside">{t("New here?")} " " <a href=paths::SIGN_UP>{t("Sign up")}</a></p> })}
        <p class="aside">{t("Can't sign in?")} " " <a href=paths::SIGN_IN_RECOVERY>{t("Use a recovery code")}</a></p>
    }
}

/// A ceremony expires after five minutes; autofill starts a new one before that.
const REARM_MILLIS: u32 = 4 * 60 * 1_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Waiting for the device.
    Asking,
    Stopped(Stop),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Refused(ApiError),
    Browser(BrowserError),
}

impl Stop {
    /// Whether the same passkey would be refused again, so that it is not offered again at once.
    fn would_recur(self) -> bool {
        matches!(self, Self::Refused(ApiError::NotVerified { .. } | ApiError::AccountDisabled))
    }
}

impl State {
    fn message(self) -> Option<&'static str> {
        match self {
            Self::Stopped(Stop::Refused(error)) if error != ApiError::InvalidIdentifier => Some(error.message()),
            Self::Stopped(Stop::Browser(error)) => error.message(),
            Self::Waiting | Self::Asking | Self::Stopped(Stop::Refused(_)) => None,
        }
    }

    /// Seconds until the next attempt.
    fn wait(self) -> u32 {
        match self {
            Self::Stopped(Stop::Refused(error)) => error.wait(),
            _ => 0,
        }
    }

    fn is_cancelled(self) -> bool {
        self == Self::Stopped(Stop::Browser(BrowserError::Cancelled))
    }
}

/// The state of the island, copied into every task that it starts.
#[derive(Clone, Copy)]
struct SignIn {
    state: RwSignal<State>,
    keep: RwSignal<bool>,
    next: StoredValue<String>,
    /// The browser's pending request; there is never more than one.
    pending: StoredValue<Abort>,
    immediate: RwSignal<bool>,
    /// Whether there is a field whose suggestions offer passkeys.
    has_field: bool,
}

impl SignIn {
    /// Aborts the browser's pending request; returns the handle for the next one.
    fn replace_pending(self) -> Abort {
        let fresh = Abort::default();
        self.pending.with_value(Abort::abort);
        self.pending.set_value(fresh.clone());
        fresh
    }

    /// Offers passkeys in the username field; called again before the ceremony expires. Errors before the user chooses
    /// a passkey are not shown, since the user did nothing.
    async fn offer_in_field(self) {
        if !self.has_field || !browser::supports_autofill().await || self.state.get_untracked() == State::Asking {
            return;
        }
        let abort = self.replace_pending();
        let Ok((options, credential)) = choose(Mediation::Autofill, &abort).await else { return };
        match self.finish(options, credential).await {
            Ok(next) => browser::go(&next),
            Err(stop) => {
                self.state.set(State::Stopped(stop));
                if !stop.would_recur() {
                    spawn_local(self.offer_in_field_boxed());
                }
            }
        }
    }

    fn offer_in_field_boxed(self) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(self.offer_in_field())
    }

    /// Asks for a passkey after the user pressed the button.
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
            Ok(next) => browser::go(&next),
            Err(stop) => {
                self.state.set(State::Stopped(stop));
                if !stop.would_recur() {
                    self.offer_in_field().await;
                }
            }
        }
    }

    async fn ask(self, mediation: Mediation, abort: &Abort) -> Result<String, Stop> {
        let (options, credential) = choose(mediation, abort).await?;
        self.finish(options, credential).await
    }

    /// Signs in with the chosen passkey; returns the page to go to.
    async fn finish(self, options: JsonValue, credential: JsonValue) -> Result<String, Stop> {
        self.state.set(State::Asking);
        let (next, keep) = (self.next.get_value(), self.keep.get_untracked());
        let finished = browser::call!(FinishSignIn { credential: &credential, next: next.as_str(), keep: keep }).await;
        if finished.as_ref().is_err_and(|error| error.allows_forgetting_passkey()) {
            browser::forget_unknown(&options, &credential).await;
        }
        let new_session = finished.map_err(Stop::Refused)?;
        Ok(browser::string_member(&new_session, "next").unwrap_or_else(|| paths::ACCOUNT.to_owned()))
    }

    /// Starts a new ceremony for the username field, unless the device is being asked already.
    fn rearm(self) {
        if self.state.get_untracked() != State::Asking {
            spawn_local(self.offer_in_field());
        }
    }
}

/// Asks the user to choose a passkey; returns the options of the request, and the response.
async fn choose(mediation: Mediation, abort: &Abort) -> Result<(JsonValue, JsonValue), Stop> {
    if !browser::supports_passkeys() {
        return Err(Stop::Browser(BrowserError::Unsupported));
    }
    let options = browser::call!(StartSignIn {}).await.map_err(Stop::Refused)?;
    let credential = browser::get(&options, mediation, abort).await.map_err(Stop::Browser)?;
    Ok((options, credential))
}

properties! {
    struct SignInProperties {
        /// The page after sign-in.
        next: String,
        /// The entered identifier, or that of the user who last signed in with this browser.
        identifier: String,
        /// Whether sign-in by email is on.
        by_email: bool,
        /// Whether the identifier is that of a remembered user, who needs no field for it.
        remembered: bool,
        /// Why the identifier was refused.
        refusal: Option<ApiError>,
    }
}

#[island]
fn SignInForm() -> impl IntoView {
    let SignInProperties { next, identifier, by_email, remembered, refusal } = Properties::read();
    let target = next.clone();
    let name = RwSignal::new(browser::field_value("identifier").unwrap_or(identifier));
    let sign_in = SignIn {
        state: RwSignal::new(State::Waiting),
        keep: RwSignal::new(browser::is_ticked("keep")),
        next: StoredValue::new(next),
        pending: StoredValue::new(Abort::default()),
        immediate: RwSignal::new(false),
        has_field: !remembered,
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
        let is_busy = sign_in.state.get_untracked() == State::Asking;
        if wants_email(&event) && !is_busy {
            return;
        }
        event.prevent_default();
        if !is_busy {
            spawn_local(sign_in.open_dialog());
        }
    };
    let busy = move || sign_in.state.get() == State::Asking;
    let label = move || if sign_in.state.get().is_cancelled() { "Try again" } else { "Sign in with a passkey" };
    view! {
        <form id="sign-in" class="form" class:needs-scripts=!by_email method="post" action=paths::SIGN_IN on:submit=submit novalidate>
            <input type="hidden" name="next" value=target />
            // Enter in the field presses the form's first button.
            {(by_email && !remembered).then(|| view! { <DefaultEmailButton /> })}
            <div>
                <SubmitButton label busy_label="One moment…" busy />
                <label class="check needs-scripts">
                    <input id="keep" type="checkbox" name="keep" bind:checked=sign_in.keep />
                    {t("Keep me signed in")}
                </label>
                <Alert
                    message=move || sign_in.state.get().message()
                    is_advice=move || sign_in.state.get().is_cancelled()
                    wait=move || sign_in.state.get().wait()
                />
            </div>
            {by_email.then(|| view! { <p class="or needs-scripts">{t("or")}</p> })}
            {remembered.then(|| view! { <input type="hidden" name="identifier" value=name.get_untracked() /> })}
            {(!remembered)
                .then(|| {
                    view! {
                        <Field
                            id="identifier"
                            label="Username or email"
                            hint=if by_email { "Only needed if you sign in by email." } else { "Your browser may suggest your passkey here." }
                            autocomplete="username webauthn"
                            maxlength=254
                            autofocus=true
                            value=name
                            error=move || refusal.filter(|_| sign_in.state.get() == State::Waiting).map(ApiError::message)
                        />
                    }
                })}
            {by_email.then(|| view! { <EmailButton label="Email me a sign-in link" busy /> })}
        </form>
    }
}
