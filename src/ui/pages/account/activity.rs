use crate::types::{Section, views};
use crate::ui::components::{LocalTime, client_name};
use crate::ui::words::t;
use leptos::prelude::*;

/// An event of the account, as text.
#[derive(Clone, Debug)]
pub struct ActivityLine {
    pub id: String,
    pub text: &'static str,
    pub detail: Option<String>,
    pub client: views::Client,
    pub at: String,
}

/// A page of events, newest first.
#[derive(Clone, Debug)]
pub struct ActivityContent {
    pub lines: Vec<ActivityLine>,
    pub has_older: bool,
}

#[component]
pub fn ActivitySection(activity: ActivityContent) -> impl IntoView {
    let ActivityContent { lines, has_older } = activity;
    let last = lines.last().filter(|_| has_older);
    let older = last.map(|line| format!("{}?before={}", Section::Activity.path(), line.id));
    view! {
        <section class="card" aria-labelledby="section">
            <p class="explain">{t("Kept for 180 days. Don't recognise something? Sign out that device and \
                                   remove its passkey.")}</p>
            <ActivityList lines />
            {older.map(|href| view! { <p><a href=href>{t("Older activity")}</a></p> })}
        </section>
    }
    .into_any()
}

#[component]
pub fn ActivityList(lines: Vec<ActivityLine>) -> impl IntoView {
    view! {
        <ul class="rows activity">{lines.into_iter().map(|line| view! { <ActivityRow line /> }).collect::<Vec<_>>()}</ul>
    }
}

#[component]
fn ActivityRow(line: ActivityLine) -> impl IntoView {
    let client_name = client_name(line.client);
    view! {
        <li>
            <p class="break-words">
                {t(line.text)} {line.detail.map(|detail| view! { ": " <span class="muted">{detail}</span> })}
            </p>
            <p class="explain">
                <LocalTime at=line.at with_time=true />
                {client_name.map(|client_name| format!(", {client_name}"))}
            </p>
        </li>
    }
    .into_any()
}
