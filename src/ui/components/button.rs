use super::DerivedSignal;
use crate::ui::words::t;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// A submit button that shows when its task is running. It stays enabled, since a disabled button loses focus; the
/// form ignores it while the task runs.
#[component]
pub fn SubmitButton(
    #[prop(into)] label: DerivedSignal<&'static str>,
    busy_label: &'static str,
    #[prop(into)] busy: DerivedSignal<bool>,
) -> impl IntoView {
    let (disabled, aria_busy) = (busy.clone(), busy.clone());
    view! {
        <button
            type="submit"
            class="button needs-scripts"
            name="action"
            value="passkey"
            aria-disabled=move || disabled.get().to_string()
            aria-busy=move || aria_busy.get().to_string()
        >
            {move || t(if busy.get() { busy_label } else { label.get() })}
        </button>
    }
}

/// The button that continues by email, below the main button. It posts the form even with scripts on, because the code
/// is entered on another page.
#[component]
pub fn EmailButton(label: &'static str, #[prop(into)] busy: DerivedSignal<bool>) -> impl IntoView {
    view! {
        <button type="submit" class="button quiet" name="action" value=EMAIL aria-disabled=move || busy.get().to_string()>
            {t(label)}
        </button>
    }
}

/// A hidden first button for forms with an [`EmailButton`]. Enter presses a form's first button (HTML, "implicit
/// submission"), which would otherwise be the passkey button.
#[component]
pub fn DefaultEmailButton() -> impl IntoView {
    view! { <button type="submit" class="unseen" name="action" value=EMAIL tabindex="-1" aria-hidden="true"></button> }
}

const EMAIL: &str = "email";

/// Whether the form was submitted by the [`EmailButton`].
#[must_use]
pub fn wants_email(event: &SubmitEvent) -> bool {
    event.submitter().is_some_and(|button| button.get_attribute("value").as_deref() == Some(EMAIL))
}
