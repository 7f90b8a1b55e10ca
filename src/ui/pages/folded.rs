use crate::types::{AccountAction, paths};
use crate::ui::words::t;
use leptos::prelude::*;

/// A refused form of the account page, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    pub action: AccountAction,
    /// The object of the form, such as a passkey; else empty.
    pub id: String,
    pub text: String,
    pub note: &'static str,
}

/// One text field of the account page, folded away until it is wanted; what was typed and refused comes back in it.
#[derive(Clone, Debug)]
pub struct FoldedField {
    pub summary: &'static str,
    pub action: AccountAction,
    /// The object of the form, such as a passkey; else empty.
    pub about: String,
    /// The name of the field in its form.
    pub name: &'static str,
    pub label: &'static str,
    pub kind: &'static str,
    pub autocomplete: &'static str,
    pub maxlength: u16,
    pub value: String,
    /// The hint below the field.
    pub hint: &'static str,
    pub button: &'static str,
    pub class: &'static str,
}

/// An action that asks first: its button is folded under a question that says what follows.
#[component]
pub fn FoldedAction(
    summary: &'static str,
    /// Of the summary, for screen readers: with the name of its object.
    label: String,
    question: String,
    action: AccountAction,
    /// The object of the action, such as a passkey; else empty.
    about: String,
    button: &'static str,
) -> impl IntoView {
    view! {
        <details>
            <summary aria-label=label>{t(summary)}</summary>
            <form class="field" method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=action.name() />
                {(!about.is_empty()).then(|| view! { <input type="hidden" name="id" value=about /> })}
                <p>{question}</p>
                <button type="submit" class="button danger">
                    {t(button)}
                </button>
            </form>
        </details>
    }
    .into_any()
}

/// A plain form, which works with scripts off.
#[component]
pub fn FoldedForm(field: FoldedField, typed: Option<Typed>) -> impl IntoView {
    let typed = typed.filter(|typed| typed.action == field.action && typed.id == field.about);
    let note = typed.as_ref().map(|typed| typed.note);
    let value = typed.map_or(field.value, |typed| typed.text);
    let id = format!("{}-{}", field.action.name(), field.about);
    let note_id = format!("{id}-note");
    view! {
        <details open=note.is_some()>
            <summary>{t(field.summary)}</summary>
            <form class="field" method="post" action=paths::ACCOUNT>
                <input type="hidden" name="action" value=field.action.name() />
                {(!field.about.is_empty()).then(|| view! { <input type="hidden" name="id" value=field.about /> })}
                <label for=id.clone()>{t(field.label)}</label>
                <input
                    id=id
                    name=field.name
                    type=field.kind
                    autocomplete=field.autocomplete
                    autocapitalize="none"
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
                <button type="submit" class=field.class>
                    {t(field.button)}
                </button>
            </form>
        </details>
    }
    .into_any()
}
