use super::row::{ConfirmedAction, PlainAction, Row};
use crate::types::{AccountAction, views};
use crate::ui::components::{client_name, day};
use crate::ui::words::{fill, sentence, t};
use leptos::prelude::*;

/// The devices on which the user is signed in.
#[component]
pub fn DeviceSection(
    /// Each session with the applications that it signed in to; this device's comes first.
    sessions: Vec<(views::Session, Vec<String>)>,
) -> impl IntoView {
    let has_others = sessions.len() > 1;
    view! {
        <section class="card" aria-labelledby="section">
            <ul class="rows">{sessions
                .into_iter()
                .map(|(session, applications)| view! { <DeviceRow session applications /> })
                .collect::<Vec<_>>()}</ul>
            {has_others
                .then(|| {
                    view! {
                        <div class="last">
                            <ConfirmedAction
                                summary="Sign out all other devices"
                                label=t("Sign out all other devices").to_owned()
                                question=t("All devices but this one will be signed out.").to_owned()
                                action=AccountAction::EndOthers
                                about=String::new()
                                button="Sign them out"
                            />
                        </div>
                    }
                })}
        </section>
    }
    .into_any()
}

#[component]
fn DeviceRow(session: views::Session, applications: Vec<String>) -> impl IntoView {
    let client_name = client_name(session.client).unwrap_or_else(|| t("Unknown browser").to_owned());
    let method = match session.method {
        views::Method::Passkey => "Signed in with a passkey: {}.",
        views::Method::Email => "Signed in by email: {}.",
        views::Method::Recovery => "Signed in with a recovery code: {}.",
    };
    let (is_current, id, label) = (session.current, session.id, fill("Sign out {}", &[&client_name]));
    let about = view! {
        <p>
            <strong>{client_name}</strong>
            {is_current.then(|| view! { " " <span class="tag">{t("This device")}</span> })}
        </p>
        <p class="explain">
            {sentence(method, [day(session.created_at)])} " " {sentence("Last seen {}.", [day(session.last_seen_at)])}
        </p>
        {(!applications.is_empty())
            .then(|| view! { <p class="explain">{fill("Signed in to {}.", &[&applications.join(", ")])}</p> })}
    };
    view! {
        <Row about=about.into_any()>
            {(!is_current)
                .then(|| view! { <PlainAction button="Sign out" label action=AccountAction::EndSession about=id /> })}
        </Row>
    }
    .into_any()
}
