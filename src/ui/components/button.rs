use super::Live;
use crate::ui::words::t;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// The button of a task, which tells when the task is running. It stays enabled, since a disabled button loses the
/// focus; the form ignores it while the task runs.
#[component]
pub fn SubmitButton(
    #[prop(into)] label: Live<&'static str>,
    busy_label: &'static str,
    #[prop(into)] busy: Live<bool>,
) -> impl IntoView {
    let (disabled, said) = (busy.clone(), busy.clone());
    view! {
        <button
            type="submit"
            class="button needs-scripts"
            name="action"
            value="passkey"
            aria-disabled=move || disabled.get().to_string()
            aria-busy=move || said.get().to_string()
        >
            {move || t(if busy.get() { busy_label } else { label.get() })}
        </button>
    }
}

/// The way by email, under the button of the task. It posts the form, with scripts or without: the page for the code is
/// another one anyway.
#[component]
pub fn EmailButton(label: &'static str, #[prop(into)] busy: Live<bool>) -> impl IntoView {
    view! {
        <button type="submit" class="button quiet" name="action" value=EMAIL aria-disabled=move || busy.get().to_string()>
            {t(label)}
        </button>
    }
}

/// The button that Enter presses in a form with an [`EmailButton`], out of sight: a browser takes the first one (HTML,
/// "implicit submission"), which is that of the passkey.
#[component]
pub fn EmailDefault() -> impl IntoView {
    view! { <button type="submit" class="unseen" name="action" value=EMAIL tabindex="-1" aria-hidden="true"></button> }
}

const EMAIL: &str = "email";

/// Whether the form was sent by the [`EmailButton`].
#[must_use]
pub fn wants_email(event: &SubmitEvent) -> bool {
    event.submitter().is_some_and(|button| button.get_attribute("value").as_deref() == Some(EMAIL))
}
