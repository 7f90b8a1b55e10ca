use crate::types::Notice;
use crate::types::notice::Mood;
use leptos::prelude::*;

/// What the page before had to say. It lies over the page, so that nothing moves; it goes by itself after five seconds
/// unless it is pointed at or focused, or when its box is ticked. All of that is CSS, for pages without scripts.
#[component]
pub fn NoticeBar(notice: Notice) -> impl IntoView {
    let mood = match notice.mood() {
        Mood::Success => "success",
        Mood::Warning => "warning",
        Mood::Failure => "failure",
    };
    view! {
        <div class=format!("notice {mood}") role="status" aria-live="polite">
            <p>{notice.message()}</p>
            <label>
                <input type="checkbox" aria-label="Close this message" />
                <span aria-hidden="true">"×"</span>
            </label>
        </div>
    }
}

/// A message about what just happened, announced when it appears. Its place is kept, so that nothing moves.
#[component]
pub fn Alert(#[prop(into)] message: Signal<Option<&'static str>>) -> impl IntoView {
    view! {
        <div class="alert-place" role="alert">
            <p class="alert" hidden=move || message.get().is_none()>
                {move || message.get().unwrap_or_default()}
            </p>
        </div>
    }
}

/// Told only where scripts are off.
#[component]
pub fn NeedsScripts(
    /// Whether a letter does instead.
    letters: bool,
) -> impl IntoView {
    let way_on = if letters {
        "Turn it on for this page, or let us send you a letter."
    } else {
        "Please turn it on for this page, or use another browser, and reload."
    };
    view! {
        <noscript>
            <p class="alert">"Passkeys need JavaScript. " {way_on}</p>
        </noscript>
    }
}

/// Has a form say that scripts are off, so that its first button, which is for scripts, is known from one that was pressed
/// before the page woke up.
#[component]
pub fn WithoutScripts(form: &'static str) -> impl IntoView {
    view! {
        <noscript>
            <input type="hidden" form=form name="scripts" value="off" />
        </noscript>
    }
}
