use leptos::prelude::*;

/// The button of a task; while it is under way it says so and cannot be pressed again.
#[component]
pub fn SubmitButton(label: &'static str, busy_label: &'static str, #[prop(into)] busy: Signal<bool>) -> impl IntoView {
    view! {
        <button type="submit" class="button" disabled=busy aria-busy=move || busy.get().to_string()>
            {move || if busy.get() { busy_label } else { label }}
        </button>
    }
}
