use super::DerivedSignal;
use crate::ui::words::t;
use leptos::prelude::*;

/// A labelled text field with a hint; an error replaces the hint.
#[component]
pub fn Field(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    #[prop(default = "text")] kind: &'static str,
    autocomplete: &'static str,
    #[prop(default = "none")] autocapitalize: &'static str,
    #[prop(optional)] required: bool,
    #[prop(optional)] maxlength: Option<u16>,
    /// Whether the field has focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
    value: RwSignal<String>,
    /// Why the value was refused.
    #[prop(into)]
    error: DerivedSignal<Option<&'static str>>,
) -> impl IntoView {
    let initial = value.get_untracked();
    let note = format!("{id}-note");
    let [is_invalid, is_error] = [error.clone(), error.clone()];
    view! {
        <div class="field">
            <label for=id>{t(label)}</label>
            <input
                id=id
                name=id
                type=kind
                autocomplete=autocomplete
                autocapitalize=autocapitalize
                spellcheck="false"
                required=required
                maxlength=maxlength
                autofocus=autofocus
                aria-describedby=note.clone()
                aria-invalid=move || is_invalid.get().map(|_| "true")
                value=initial
                bind:value=value
            />
            <p id=note class="note" class:error=move || is_error.get().is_some()>
                {move || t(error.get().unwrap_or(hint))}
            </p>
        </div>
    }
}
