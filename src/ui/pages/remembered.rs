use crate::types::{paths, views};
use crate::ui::words::t;
use leptos::prelude::*;

/// The user who last signed in with this browser.
#[component]
pub fn Remembered(user: views::User, next: String) -> impl IntoView {
    let initial = user.display_name.chars().next().map(String::from);
    view! {
        <form class="chip" method="post" action=paths::SIGN_IN>
            <input type="hidden" name="action" value="forget" />
            <input type="hidden" name="next" value=next />
            <span class="initial" aria-hidden="true">
                {initial}
            </span>
            <p>
                <strong>{user.display_name}</strong>
                <span>{user.username}</span>
            </p>
            <button type="submit" class="link">
                {t("Use another account")}
            </button>
        </form>
    }
}
