use crate::types::{Site, paths};
use crate::ui::words::t;
use leptos::prelude::*;
use std::sync::Arc;

/// The home page.
#[component]
pub fn HomePage() -> impl IntoView {
    let is_open = expect_context::<Arc<Site>>().is_open;
    view! {
        <div class="home wide">
            <div>
                <h1>{t("Sign in without a password")}</h1>
                <p class="lead">
                    {t("Use your fingerprint, your face or your screen lock. There is no password to remember or \
                        lose.")}
                </p>
                {is_open
                    .then(|| {
                        view! {
                            <a class="button" href=paths::SIGN_UP>
                                {t("Sign up")}
                            </a>
                        }
                    })}
                <a class="button" class:quiet=is_open href=paths::SIGN_IN>
                    {t("Sign in")}
                </a>
            </div>
            <ul class="facts">
                <li>
                    <strong>{t("A passkey is a key on your device.")}</strong>
                    " " {t("It only works on this site, so a fake site can't steal it.")}
                </li>
                <li>
                    <strong>{t("No password is stored.")}</strong>
                    " " {t("We only store the public half of your passkey, which can't sign anyone in.")}
                </li>
                {is_open
                    .then(|| {
                        view! {
                            <li>
                                <strong>{t("It only takes a moment.")}</strong>
                                " " {t("Choose a username and confirm with your screen lock.")}
                            </li>
                        }
                    })}
            </ul>
        </div>
    }
}
