use leptos::prelude::*;

/// The button of a task; while it is under way it says so and cannot be pressed again.
#[component]
pub fn SubmitButton(label: &'static str, busy_label: &'static str, #[prop(into)] busy: Signal<bool>) -> impl IntoView {
    view! {
        <button type="submit" class="button needs-scripts" name="action" value="passkey" disabled=busy aria-busy=move || busy.get().to_string()>
            {move || if busy.get() { busy_label } else { label }}
        </button>
    }
}

/// The way by letter, under the button of the task: with scripts `send` does it, without them the form.
#[component]
pub fn LetterButton(label: &'static str, #[prop(into)] busy: Signal<bool>, send: impl Fn() + 'static) -> impl IntoView {
    let click = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        send();
    };
    view! {
        <button type="submit" class="button quiet" name="action" value="letter" disabled=busy on:click=click>
            {label}
        </button>
    }
}
