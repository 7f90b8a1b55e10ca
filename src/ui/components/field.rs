use super::Live;
use crate::ui::words::t;
use leptos::prelude::*;

/// A labelled text field with its hint, and with its error beside it once there is one.
#[component]
pub fn Field(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    #[prop(default = "text")] kind: &'static str,
    autocomplete: &'static str,
    #[prop(optional)] required: bool,
    #[prop(optional)] maxlength: Option<u16>,
    value: RwSignal<String>,
    #[prop(into)] error: Live<Option<&'static str>>,
) -> impl IntoView {
    let initial = value.get_untracked();
    let (invalid, wrong) = (error.clone(), error.clone());
    let note = format!("{id}-note");
    view! {
        <div class="field">
            <label for=id>{t(label)}</label>
            <input
                id=id
                name=id
                type=kind
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                required=required
                maxlength=maxlength
                aria-describedby=note.clone()
                aria-invalid=move || invalid.get().map(|_| "true")
                value=initial
                bind:value=value
            />
            <p id=note class="note" class:error=move || wrong.get().is_some() aria-live="polite">
                {move || t(error.get().unwrap_or(hint))}
            </p>
        </div>
    }
}
