use super::row::{FieldAction, PlainAction, RefusedForm, Row, TextField};
use crate::types::{AccountAction, paths};
use crate::ui::words::t;
use leptos::prelude::*;

/// The download of the account's data, and the deletion of the account.
#[component]
pub fn DataSection(typed: Option<RefusedForm>) -> impl IntoView {
    let field = TextField {
        summary: "Delete",
        summary_label: t("Delete account").to_owned(),
        action: AccountAction::Delete,
        about: String::new(),
        name: "name",
        label: "Enter your username to confirm",
        kind: "text",
        autocomplete: "off",
        autocapitalize: "none",
        maxlength: 32,
        value: String::new(),
        hint: "Your account stops working immediately, and your passkeys, sessions, recovery codes and activity are deleted. This can't be undone.",
        button: "Delete my account",
        class: "button danger",
    };
    let (download, delete) = (
        view! { <p>{t("Everything we store about you, in one file.")}</p> },
        view! { <p>{t("Your account and everything in it.")}</p> },
    );
    let label = t("Download my data").to_owned();
    view! {
        <section class="card" aria-labelledby="section">
            <ul class="rows">
                <Row about=download.into_any()>
                    <PlainAction button="Download" label action=AccountAction::Export about=String::new() />
                </Row>
                <Row about=delete.into_any()>
                    <FieldAction field typed />
                </Row>
            </ul>
        </section>
    }
    .into_any()
}

/// Shown after the deletion of the account, while the device forgets its passkeys.
#[component]
pub fn DeletedPage() -> impl IntoView {
    view! {
        <h1>{t("Your account is deleted")}</h1>
        <p class="lead">{t("You can no longer sign in, and your data is being removed. You can sign up again \
                            at any time with the same email address. Your username stays reserved for 30 days.")}</p>
        <p>
            <a class="button" href=paths::HOME>
                {t("Go to the home page")}
            </a>
        </p>
    }
}
