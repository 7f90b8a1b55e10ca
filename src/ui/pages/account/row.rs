//! Rows of the account pages: a value on the left, and its actions on the right.

use crate::types::{AccountAction, paths};
use crate::ui::words::t;
use leptos::prelude::*;

/// A refused form of the account page, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedForm {
    pub action: AccountAction,
    /// The object of the form, such as a passkey; otherwise empty.
    pub id: String,
    pub text: String,
    pub note: &'static str,
}

/// A row of a list.
#[component]
pub fn Row(
    /// The value on the left.
    about: AnyView,
    /// Its actions.
    children: Children,
) -> impl IntoView {
    view! {
        <li class="row">
            <div>{about}</div>
            {children()}
        </li>
    }
}

/// The link of a row to the section where it can be changed.
#[component]
pub fn RowLink(
    href: &'static str,
    text: &'static str,
    /// For screen readers: the text with its object.
    label: &'static str,
) -> impl IntoView {
    view! {
        <a class="small" href=href aria-label=t(label)>
            {t(text)}
        </a>
    }
    .into_any()
}

/// The text field of a [`FieldAction`].
#[derive(Clone, Debug)]
pub struct TextField {
    pub summary: &'static str,
    /// The summary for screen readers, with the name of its object.
    pub summary_label: String,
    pub action: AccountAction,
    /// The object of the form, such as a passkey; otherwise empty.
    pub about: String,
    /// The name of the field in its form.
    pub name: &'static str,
    pub label: &'static str,
    pub kind: &'static str,
    pub autocomplete: &'static str,
    pub autocapitalize: &'static str,
    pub maxlength: u16,
    pub value: String,
    /// The hint below the field.
    pub hint: &'static str,
    pub button: &'static str,
    pub class: &'static str,
}

/// An action with a confirmation that opens below its button.
#[component]
pub fn ConfirmedAction(
    summary: &'static str,
    /// The summary for screen readers, with the name of its object.
    label: String,
    question: String,
    action: AccountAction,
    /// The object of the action, such as a passkey; otherwise empty.
    about: String,
    button: &'static str,
) -> impl IntoView {
    let question_id = format!("{}-{about}-question", action.name());
    view! {
        <details>
            <summary class="small danger" aria-label=label>
                {t(summary)}
            </summary>
            <form class="field" method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=action.name() />
                {(!about.is_empty()).then(|| view! { <input type="hidden" name="id" value=about /> })}
                <p id=question_id.clone()>{question}</p>
                <button type="submit" class="button danger" aria-describedby=question_id>
                    {t(button)}
                </button>
            </form>
        </details>
    }
    .into_any()
}

/// An action that would be refused, and the reason, which opens below its button.
#[component]
pub fn ImpossibleAction(
    summary: &'static str,
    /// The summary for screen readers, with the name of its object.
    label: String,
    reason: &'static str,
) -> impl IntoView {
    view! {
        <details>
            <summary class="small danger" aria-label=label>
                {t(summary)}
            </summary>
            <p>{t(reason)}</p>
        </details>
    }
    .into_any()
}

/// A text that can be changed. Its form is collapsed at first, and open after a refusal.
#[component]
pub fn FieldAction(field: TextField, typed: Option<RefusedForm>) -> impl IntoView {
    let typed = typed.filter(|typed| typed.action == field.action && typed.id == field.about);
    let note = typed.as_ref().map(|typed| typed.note);
    let value = typed.map_or(field.value, |typed| typed.text);
    let id = format!("{}-{}", field.action.name(), field.about);
    let note_id = format!("{id}-note");
    let summary_id = format!("{id}-summary");
    view! {
        <details open=note.is_some()>
            <summary
                id=summary_id.clone()
                class="small"
                class:danger=field.class.ends_with("danger")
                aria-label=field.summary_label
            >
                {t(field.summary)}
            </summary>
            <form class="field" method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=field.action.name() />
                {(!field.about.is_empty()).then(|| view! { <input type="hidden" name="id" value=field.about /> })}
                <label for=id.clone()>{t(field.label)}</label>
                <input
                    id=id
                    name=field.name
                    type=field.kind
                    autocomplete=field.autocomplete
                    autocapitalize=field.autocapitalize
                    spellcheck="false"
                    maxlength=field.maxlength
                    required
                    value=value
                    autofocus=note.is_some()
                    aria-invalid=note.map(|_| "true")
                    aria-describedby=note_id.clone()
                />
                <p id=note_id class="note" class:error=note.is_some()>
                    {t(note.unwrap_or(field.hint))}
                </p>
                <button type="submit" class=field.class aria-describedby=summary_id>
                    {t(field.button)}
                </button>
            </form>
        </details>
    }
    .into_any()
}

/// An action that needs neither a confirmation nor a text.
#[component]
pub fn PlainAction(
    button: &'static str,
    /// The button for screen readers, with the name of its object.
    label: String,
    action: AccountAction,
    /// The object of the action, such as a session; otherwise empty.
    about: String,
) -> impl IntoView {
    view! {
        <form method="post" action=paths::ACCOUNT>
            <input type="hidden" name="action" value=action.name() />
            {(!about.is_empty()).then(|| view! { <input type="hidden" name="id" value=about /> })}
            <button type="submit" class="small" aria-label=label>
                {t(button)}
            </button>
        </form>
    }
    .into_any()
}
