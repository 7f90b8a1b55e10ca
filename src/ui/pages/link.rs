use super::code::UsernameField;
use crate::types::{ApiError, paths, views};
use crate::ui::words::{bold, fill, sentence, t};
use leptos::prelude::*;

/// Asks before an emailed link signs in or up, since mail scanners open links too.
#[component]
pub fn LinkPage(
    token: String,
    /// The user that it signs in; `None` if it creates an account.
    user: Option<views::User>,
    /// The username of the account that it creates.
    new_username: Option<String>,
    /// The username of another user who is already signed in here.
    replaced: Option<String>,
    /// Why the last username was refused.
    refusal: Option<ApiError>,
) -> impl IntoView {
    let (heading, button) =
        if user.is_some() { ("Sign in", "Sign in") } else { ("Finish signing up", "Create account") };
    view! {
        <h1>{t(heading)}</h1>
        {user
            .map(|user| {
                view! {
                    <p class="lead">
                        {sentence("This link signs you in as {} ({}).", [bold(user.display_name), user.username.into_any()])}
                    </p>
                }
            })}
        {replaced
            .map(|name| {
                view! {
                    <p class="alert advice">
                        {fill("You're signed in as {}. Continuing signs {} out.", &[&name, &name])}
                    </p>
                }
            })}
        <form class="form" method="post" action=paths::EMAIL_LINK>
            <input type="hidden" name="token" value=token />
            {new_username.map(|username| view! { <UsernameField username refusal /> })}
            <button type="submit" class="button">
                {t(button)}
            </button>
        </form>
        <p class="aside">{t("Didn't request this? Just close this page.")}</p>
    }
}

/// Asks before an emailed link confirms the identity.
#[component]
pub fn ReauthenticatePage(token: String) -> impl IntoView {
    view! {
        <h1>{t("Confirm it's you")}</h1>
        <p class="lead">{t("Confirm here, then return to the page you came from.")}</p>
        <form class="form" method="post" action=paths::EMAIL_LINK>
            <input type="hidden" name="action" value="reauthenticate" />
            <input type="hidden" name="token" value=token />
            <button type="submit" class="button">
                {t("Yes, it's me")}
            </button>
        </form>
        <p class="aside">{t("Didn't request this? Just close this page.")}</p>
    }
}

/// Asks before an emailed link confirms an address.
#[component]
pub fn ConfirmPage(token: String, address: String, user: views::User) -> impl IntoView {
    view! {
        <h1>{t("Confirm your email address")}</h1>
        <p class="lead">
            {sentence("{} will be the confirmed email address of {}.", [bold(address), bold(user.username)])}
        </p>
        <form class="form" method="post" action=paths::EMAIL_CONFIRM>
            <input type="hidden" name="token" value=token />
            <button type="submit" class="button">
                {t("Confirm")}
            </button>
        </form>
        <p class="aside">{t("Not your address? Just close this page.")}</p>
    }
}
