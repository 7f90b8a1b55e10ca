use super::code::UsernameField;
use crate::types::{ApiError, paths, views};
use crate::ui::words::{fill, t};
use leptos::prelude::*;

/// What an email's link would do. Opening it does nothing; the button does.
#[component]
pub fn LinkPage(
    token: String,
    /// Whom it signs in; nobody where it makes an account.
    user: Option<views::User>,
    /// The name of the account that it makes.
    new_username: Option<String>,
    /// The name of whoever is signed in here already, and is not meant.
    replaced: Option<String>,
    /// Why the last name was refused.
    refusal: Option<ApiError>,
) -> impl IntoView {
    let (heading, button) =
        if user.is_some() { ("Sign in", "Sign in") } else { ("Finish signing up", "Create the account") };
    view! {
        <h1>{t(heading)}</h1>
        {user
            .map(|user| {
                view! {
                    <p class="lead">
                        {t("This link signs you in as")} " " <strong>{user.display_name}</strong>
                        {format!(" ({}).", user.username)}
                    </p>
                }
            })}
        {replaced
            .map(|name| {
                view! {
                    <p class="alert">
                        {fill("You are signed in as {} here. If you go on, that ends.", &[&name])}
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
        <p class="aside">{t("Did you not ask for this? Then close this page: nothing has happened.")}</p>
    }
}

/// An email's link that shows who is there.
#[component]
pub fn ReauthenticatePage(token: String) -> impl IntoView {
    view! {
        <h1>{t("Confirm that it is you")}</h1>
        <p class="lead">{t("Then go back to what you were doing, and go on.")}</p>
        <form class="form" method="post" action=paths::EMAIL_LINK>
            <input type="hidden" name="action" value="reauthenticate" />
            <input type="hidden" name="token" value=token />
            <button type="submit" class="button">
                {t("It is me")}
            </button>
        </form>
        <p class="aside">{t("Did you not ask for this? Then close this page: nothing has happened.")}</p>
    }
}

/// Which address an email's link would confirm, and for whom.
#[component]
pub fn ConfirmPage(token: String, address: String, user: views::User) -> impl IntoView {
    view! {
        <h1>{t("Confirm your e-mail address")}</h1>
        <p class="lead">
            <strong class="break-words">{address}</strong>
            " " {t("becomes the confirmed e-mail address of")} " "
            <strong>{user.username}</strong>
            "."
        </p>
        <form class="form" method="post" action=paths::EMAIL_CONFIRM>
            <input type="hidden" name="token" value=token />
            <button type="submit" class="button">
                {t("Confirm")}
            </button>
        </form>
        <p class="aside">{t("Not your address? Then close this page: nothing has happened.")}</p>
    }
}
