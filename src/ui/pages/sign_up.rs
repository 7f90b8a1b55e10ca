use super::application::AppView;
use crate::api::sign_up::{FinishSignUp, StartSignUp};
use crate::browser::{self, Abort, BrowserError};
use crate::types::{ApiError, paths};
use crate::ui::components::{
    Alert, EmailButton, Field, FormRefusal, NeedsScripts, Properties, SubmitButton, WithProperties, WithoutScripts,
    properties, wants_email,
};
use crate::ui::words::{bold, sentence, t};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The text that was entered before a refusal.
#[derive(Clone, Debug, Default)]
pub struct SignUpInput {
    pub display_name: String,
    pub username: String,
    pub email: String,
    /// The token of the invitation; empty without one.
    pub invite: String,
}

/// Creates an account with a passkey, or by email.
#[component]
pub fn SignUpPage(
    typed: SignUpInput,
    /// Why the form was refused: an error for each wrong field, or one for the whole form.
    refusals: Vec<ApiError>,
    /// Whether sign-up by email is on.
    by_email: bool,
    /// Whether confirmations and security notifications are sent.
    sends_email: bool,
    needs_address: bool,
    /// The application that the user continues to.
    application: Option<AppView>,
    /// The address of the sign-in page.
    sign_in: String,
) -> impl IntoView {
    let SignUpInput { display_name, username, email, invite } = typed;
    let about = |errors: &[ApiError]| refusals.iter().copied().find(|refusal| errors.contains(refusal));
    let given = SignUpProperties {
        display_name,
        username,
        email,
        invite,
        by_email,
        sends_email,
        needs_address,
        name_error: about(&[ApiError::InvalidDisplayName]),
        username_error: about(&[ApiError::InvalidUsername, ApiError::UsernameTaken]),
        email_error: about(&[ApiError::InvalidEmail]),
    };
    let overall = refusals.into_iter().find(|refusal| !refusal.is_about_sign_up_field());
    view! {
        {overall.map(|error| view! { <FormRefusal error /> })}
        <h1>{t("Sign up")}</h1>
        {application
            .map(|application| {
                view! { <p class="lead">{sentence("You'll then continue to {}.", [bold(application.name)])}</p> }
            })}
        <NeedsScripts by_email />
        <WithoutScripts form=FORM />
        <WithProperties properties=given>
            <SignUpForm />
        </WithProperties>
        <p class="aside">{t("Already have an account?")} " " <a href=sign_in>{t("Sign in")}</a></p>
    }
}

const FORM: &str = "sign-up";

/// The ids of the fields.
const NAME: &str = "display_name";
const USERNAME: &str = "username";
const EMAIL: &str = "email";

/// The state of the form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Editing,
    /// Waiting for the device.
    Asking,
    /// A field was refused; the form is submitted, so that the server shows every wrong field.
    Checking,
    Refused(ApiError),
    Stopped(BrowserError),
    /// The response was lost, so the account may exist.
    Unsure,
}

impl State {
    fn message(self) -> Option<&'static str> {
        match self {
            Self::Refused(error) => Some(error.message()),
            Self::Stopped(error) => error.message_on_create(),
            Self::Unsure => Some(
                "We couldn't tell whether your account was created. Try to sign in. If that doesn't work, sign \
                 up again.",
            ),
            Self::Editing | Self::Asking | Self::Checking => None,
        }
    }
}

properties! {
    struct SignUpProperties {
        /// The text that was entered before a refusal.
        display_name: String,
        username: String,
        email: String,
        /// The token of an invitation.
        invite: String,
        /// Whether sign-up by email is on.
        by_email: bool,
        sends_email: bool,
        needs_address: bool,
        /// Why the fields were refused.
        name_error: Option<ApiError>,
        username_error: Option<ApiError>,
        email_error: Option<ApiError>,
    }
}

#[island]
fn SignUpForm() -> impl IntoView {
    let given = SignUpProperties::read();
    let field = |id, given: String| RwSignal::new(browser::field_value(id).unwrap_or(given));
    let (display_name, username) = (field(NAME, given.display_name), field(USERNAME, given.username));
    let (email, by_email, needs_address) = (field(EMAIL, given.email), given.by_email, given.needs_address);
    let state = RwSignal::new(State::Editing);
    let busy = move || state.get() == State::Asking;
    let (name_error, username_error) = (given.name_error, given.username_error);
    let email_error = given.email_error;
    // Until the next attempt.
    let shown =
        move |error: Option<ApiError>| move || error.filter(|_| state.get() == State::Editing).map(ApiError::message);
    let invite = StoredValue::new(given.invite.clone());
    let invite_token = given.invite;

    let submit = move |event: SubmitEvent| {
        let is_busy = state.get_untracked() == State::Asking;
        if state.get_untracked() == State::Checking || (wants_email(&event) && !is_busy) {
            return;
        }
        event.prevent_default();
        if is_busy {
            return;
        }
        state.set(State::Asking);
        let form = SignUpInput {
            display_name: display_name.get_untracked(),
            username: username.get_untracked(),
            email: email.get_untracked(),
            invite: invite.get_value(),
        };
        spawn_local(async move {
            match sign_up(form).await {
                Ok(next) => browser::go(if next == paths::ACCOUNT { paths::PASSKEY_READY } else { &next }),
                Err(State::Refused(error)) if error.is_about_sign_up_field() => {
                    state.set(State::Checking);
                    browser::press_passkey_button(FORM);
                }
                Err(stopped) => state.set(stopped),
            }
        });
    };
    view! {
        <form id=FORM class="form" class:needs-scripts=!by_email method="post" action=paths::SIGN_UP on:submit=submit novalidate>
            <input type="hidden" name="invite" value=invite_token />
            <Field
                id=NAME
                label="Name (optional)"
                hint="How your name appears."
                autocomplete="name"
                autocapitalize="words"
                maxlength=64
                value=display_name
                autofocus=name_error.is_some()
                error=shown(name_error)
            />
            <Field
                id=USERNAME
                label="Username"
                hint="3 to 32 letters, digits, dots, hyphens or underscores."
                autocomplete="username"
                required=true
                maxlength=32
                value=username
                autofocus=username_error.is_some() && name_error.is_none()
                error=shown(username_error)
            />
            <Field
                id=EMAIL
                label=if needs_address { "Email" } else { "Email (optional)" }
                hint=email_hint(by_email, given.sends_email)
                kind="email"
                autocomplete="email"
                required=needs_address
                maxlength=254
                value=email
                autofocus=email_error.is_some() && username_error.or(name_error).is_none()
                error=shown(email_error)
            />
            <p class="explain needs-scripts">
                {t("Your device will ask for your fingerprint, face or screen lock.")}
            </p>
            <div>
                <SubmitButton label=|| "Create account with a passkey" busy_label="One moment…" busy />
                {by_email.then(|| view! { <EmailButton label="Sign up by email instead" busy /> })}
            </div>
            <Alert
                message=move || state.get().message()
                is_advice=move || state.get() == State::Stopped(BrowserError::Cancelled)
                wait=move || match state.get() {
                    State::Refused(error) => error.wait(),
                    _ => 0,
                }
            />
        </form>
    }
}

/// The hint for the email field, which depends on the settings.
fn email_hint(by_email: bool, sends_email: bool) -> &'static str {
    match (by_email, sends_email) {
        (true, _) => "Lets you back in if you don't have your passkey with you.",
        (false, true) => "For security notifications.",
        (false, false) => "This site doesn't send email.",
    }
}

fn unless_blank(text: &str) -> Option<&str> {
    (!text.trim().is_empty()).then_some(text)
}

async fn sign_up(form: SignUpInput) -> Result<String, State> {
    if !browser::supports_passkeys() {
        return Err(State::Stopped(BrowserError::Unsupported));
    }
    let options = browser::call!(StartSignUp {
        username: form.username.as_str(),
        email: form.email.as_str(),
        display_name: unless_blank(&form.display_name),
        invite: unless_blank(&form.invite),
    })
    .await
    .map_err(State::Refused)?;
    let credential =
        browser::create(&options, browser::THIS_DEVICE, &Abort::default()).await.map_err(State::Stopped)?;
    match browser::call!(FinishSignUp { credential: &credential }).await {
        Ok(new_session) => {
            Ok(browser::string_member(&new_session, "next").unwrap_or_else(|| paths::ACCOUNT.to_owned()))
        }
        Err(error) if error.rejects_new_passkey() => {
            // The device has stored a passkey that the server does not know.
            browser::forget_unknown(&options, &credential).await;
            Err(State::Refused(error))
        }
        Err(ApiError::PasskeyExists) => Err(State::Refused(ApiError::PasskeyExists)),
        Err(_) => Err(State::Unsure),
    }
}
