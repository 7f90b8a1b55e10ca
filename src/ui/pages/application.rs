//! The pages of an authorization request: choice of account, consent, and reasons for a refusal.

use crate::types::{Section, paths, views};
use crate::ui::words::{bold, fill, sentence, t};
use leptos::nonce::use_nonce;
use leptos::prelude::*;

/// An application as pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppView {
    pub name: String,
    /// The address of its logo.
    pub logo: Option<String>,
}

/// A heading with the name of an application, below its logo.
#[expect(clippy::needless_pass_by_value, reason = "components own their properties")]
#[component]
pub fn AppHeading(application: AppView, text: &'static str) -> impl IntoView {
    view! {
        <AppLogo logo=application.logo.clone() />
        <h1>{fill(text, &[&application.name])}</h1>
    }
}

/// The logo of an application. The alternative text is empty, since the name is next to it.
#[component]
pub fn AppLogo(logo: Option<String>) -> impl IntoView {
    logo.map(|logo| view! { <img class="app" src=logo alt="" width="48" height="48" /> })
}

/// The signed-in account.
#[component]
fn Account(user: views::User) -> impl IntoView {
    view! { <p class="aside">{sentence("Signed in as {}.", [bold(user.username)])}</p> }
}

/// A button that answers an authorization request.
#[component]
fn Button(address: String, action: &'static str, user: String, label: &'static str, quiet: bool) -> impl IntoView {
    view! {
        <form method="post" action=address>
            <input type="hidden" name="user" value=user />
            <button type="submit" class="button" class:quiet=quiet name="action" value=action>
                {t(label)}
            </button>
        </form>
    }
}

/// Asks which account to use.
#[expect(clippy::needless_pass_by_value, reason = "components own their properties")]
#[component]
pub fn ChooseAccountPage(
    address: String,
    application: AppView,
    user: views::User,
    /// Whether the application asks for a new account.
    creates: bool,
    /// Whether the application asked for another user, so that this one cannot continue.
    is_other: bool,
) -> impl IntoView {
    let other = if creates { "Create another account" } else { "Use another account" };
    let id = user.id.clone();
    view! {
        <AppHeading application text="Sign in to {}" />
        <p class="lead">{sentence("You're signed in as {}.", [bold(user.username.clone())])}</p>
        <div class="stack">
            {(!is_other)
                .then(|| {
                    let (address, id) = (address.clone(), id.clone());
                    view! { <Button address action="choose" user=id label="Continue with this account" quiet=false /> }
                })}
            <Button address action="other" user=id label=other quiet=!is_other />
        </div>
    }
}

/// Asks for consent to what the application requests.
#[component]
pub fn ConsentPage(
    address: String,
    application: AppView,
    /// The host that receives the response.
    place: String,
    user: views::User,
    /// The data that the application receives.
    shared_data: Vec<&'static str>,
    /// Whether its access outlives the session.
    outlives_session: bool,
) -> impl IntoView {
    let id = user.id.clone();
    let duration = if outlives_session {
        "Access lasts for up to a year, or until you withdraw it under Apps."
    } else {
        "Access ends when you sign out here."
    };
    view! {
        <AppHeading application=application.clone() text="Allow {} to sign you in?" />
        <p class="lead">{sentence("{} ({}) will receive:", [bold(application.name), bold(place)])}</p>
        <ul class="list">
            <li>{t("Confirmation that you have an account here")}</li>
            {shared_data.into_iter().map(|fact| view! { <li>{t(fact)}</li> }).collect_view()}
        </ul>
        <p>{t(duration)}</p>
        <div class="stack">
            <Button address=address.clone() action="allow" user=id.clone() label="Allow" quiet=false />
            <Button address action="cancel" user=id label="Cancel" quiet=true />
        </div>
        <Account user />
    }
}

/// The next step of a user who may not use an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    Back,
    CreatePasskey,
    SignInAgain,
}

/// Says why the user may not use the application.
#[component]
pub fn ExplainPage(
    address: String,
    application: AppView,
    user: views::User,
    sentence: &'static str,
    next_step: NextStep,
) -> impl IntoView {
    let id = user.id.clone();
    view! {
        <AppHeading application text="No access to {}" />
        <p class="lead">{t(sentence)}</p>
        <div class="stack">
            {match next_step {
                NextStep::Back => None,
                NextStep::CreatePasskey => {
                    Some(
                        view! {
                            <a class="button" href=paths::ADD_PASSKEY>
                                {t("Create a passkey")}
                            </a>
                            <a class="button quiet" href=address.clone()>
                                {t("Continue")}
                            </a>
                        }
                            .into_any(),
                    )
                }
                NextStep::SignInAgain => {
                    let (address, id) = (address.clone(), id.clone());
                    Some(view! { <Button address action="other" user=id label="Sign in again" quiet=false /> }.into_any())
                }
            }}
            <Button address=address.clone() action="cancel" user=id.clone() label="Back to the application" quiet=true />
            {(next_step == NextStep::Back).then(|| view! { <Button address action="other" user=id label="Use another account" quiet=true /> })}
        </div>
        <Account user />
    }
}

/// Why an authorization request gets no response.
#[derive(Clone, Debug)]
pub struct RedirectProblem {
    pub reference: String,
    pub application: Option<String>,
    /// The requested redirect URI, and the most similar registered one.
    pub requested: Option<String>,
    pub registered: Option<String>,
}

/// Says that an authorization request gets no response.
#[component]
pub fn UnredirectableRequestPage(about: RedirectProblem) -> impl IntoView {
    let RedirectProblem { reference, application, requested, registered } = about;
    let lead = match (application, &requested) {
        (None, _) => t("We don't recognise the application that sent you here.").into_any(),
        (Some(name), None) => sentence("{} didn't say where to send you after you sign in.", [bold(name)]).into_any(),
        (Some(name), Some(_)) => {
            sentence("{} wants to send you to an address that isn't registered for it.", [bold(name)]).into_any()
        }
    };
    view! {
        <h1>{t("Can't continue to the application")}</h1>
        <p class="lead">{lead}</p>
        <p>{t("No data was sent to it. If this keeps happening, give your administrator this reference:")} " "<code>{reference}</code></p>
        {requested
            .map(|requested| {
                let (same, rest) = split(&requested, registered.as_deref());
                view! {
                    <dl class="compare">
                        <dt>{t("Requested")}</dt>
                        <dd class="break-words"><code>{same}<mark>{rest}</mark></code></dd>
                        {registered
                            .map(|registered| {
                                let (same, rest) = split(&registered, Some(&requested));
                                view! {
                                    <dt>{t("Registered")}</dt>
                                    <dd class="break-words"><code>{same}<mark>{rest}</mark></code></dd>
                                }
                            })}
                    </dl>
                }
            })}
    }
}

/// Splits a text into the prefix that it shares with another text, and the rest.
fn split(text: &str, other: Option<&str>) -> (String, String) {
    let other = other.unwrap_or_default();
    let same = text.chars().zip(other.chars()).take_while(|(own, other)| own == other).count();
    (text.chars().take(same).collect(), text.chars().skip(same).collect())
}

/// Says that an authorization request has expired.
#[component]
pub fn RequestExpiredPage() -> impl IntoView {
    view! {
        <h1>{t("This sign-in has expired")}</h1>
        <p class="lead">{t("Go back to the application and sign in again from there.")}</p>
        <a class="button" href=Section::Overview.path()>
            {t("Go to your account")}
        </a>
    }
}

/// Redirects to the application at once, and has a link to it.
#[component]
pub fn RedirectPage(address: String) -> impl IntoView {
    view! {
        <h1>{t("One moment")}</h1>
        <p class="lead">
            <a class="button" href=address>
                {t("Continue to the application")}
            </a>
        </p>
    }
}

/// A form that posts the response to the application.
#[component]
pub fn FormPostPage(action: String, parameters: Vec<(&'static str, String)>) -> impl IntoView {
    let field = |(name, value): (&'static str, String)| view! { <input type="hidden" name=name value=value /> };
    view! {
        <h1>{t("One moment")}</h1>
        <form id="answer" method="post" action=action>
            {parameters.into_iter().map(field).collect_view()}
            <button type="submit" class="button">
                {t("Continue to the application")}
            </button>
        </form>
        <script nonce=use_nonce()>"document.getElementById('answer').submit()"</script>
    }
}

/// Asks whether to sign out, at the request of an application or of an unknown one.
#[component]
pub fn SignOutPage(address: String, user: Option<views::User>, application: Option<String>) -> impl IntoView {
    let (id, username) = user.map(|user| (user.id, user.username)).unzip();
    if username.is_none() {
        return view! {
            <h1>{t("You're signed out")}</h1>
            <form class="stack" method="post" action=address>
                <input type="hidden" name="user" value="" />
                <button type="submit" class="button" name="action" value="sign-out">
                    {t("Continue to the application")}
                </button>
            </form>
        }
        .into_any();
    }
    let lead = match (username, application) {
        (Some(username), Some(application)) => {
            sentence("{} wants to sign you out. You're signed in as {}.", [bold(application), bold(username)])
                .into_any()
        }
        (Some(username), None) => sentence("You're signed in as {}.", [bold(username)]).into_any(),
        (None, _) => ().into_any(),
    };
    view! {
        <h1>{t("Sign out?")}</h1>
        <p class="lead">{lead}</p>
        <form class="stack" method="post" action=address>
            <input type="hidden" name="user" value=id />
            <button type="submit" class="button" name="action" value="sign-out">
                {t("Sign out")}
            </button>
            <button type="submit" class="button quiet" name="action" value="stay">
                {t("Cancel")}
            </button>
        </form>
    }
    .into_any()
}
