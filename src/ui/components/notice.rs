use super::{Give, Live, Properties, properties};
use crate::browser;
use crate::types::Notice;
use crate::types::notice::Mood;
use crate::ui::words::{fill, t};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The notice of the previous page, above the content until its reader closes it. A dialog closes by its own button, also
/// with scripts off.
#[component]
pub fn NoticeBar(notice: Notice) -> impl IntoView {
    let is_warning = notice.mood() == Mood::Warning;
    view! {
        <dialog open class="notice" class:warning=is_warning aria-label=t("Message")>
            <p role="status">{t(notice.message())}</p>
            <form method="dialog">
                <button type="submit" aria-label=t("Close this message")>
                    <span aria-hidden="true">"×"</span>
                </button>
            </form>
        </dialog>
    }
}

/// Why a form was refused. It takes the focus, so screen readers start there.
#[component]
pub fn Refusal(message: &'static str) -> impl IntoView {
    view! {
        <p class="alert" role="alert" tabindex="-1" autofocus>
            {t(message)}
        </p>
    }
}

/// A message about the last attempt, announced when it appears.
#[component]
pub fn Alert(
    #[prop(into)] message: Live<Option<&'static str>>,
    /// Whether nothing is wrong: the user cancelled.
    #[prop(into)]
    is_calm: Live<bool>,
    /// Seconds to wait before the next try; they are counted down.
    #[prop(into)]
    wait: Live<u32>,
) -> impl IntoView {
    let left = RwSignal::new(0);
    Effect::new(move || count_down(left, wait.get()));
    let text = message.clone();
    view! {
        <div class="alert-place">
            <div role="alert">
                <p class="alert" class:advice=move || is_calm.get() hidden=move || message.get().is_none()>
                    {move || text.get().map(t).unwrap_or_default()}
                </p>
            </div>
            <p class="countdown" hidden=move || left.get() == 0>
                {move || in_words(left.get())}
            </p>
        </div>
    }
}

/// Counts down where a page says that something was too much; with scripts off it says how long that is.
#[component]
pub fn Countdown(seconds: u32) -> impl IntoView {
    view! {
        <Give what=CountingDownProperties { seconds }>
            <CountingDown />
        </Give>
    }
}

properties! {
    struct CountingDownProperties {
        /// Until the next try.
        seconds: u32,
    }
}

#[island]
fn CountingDown() -> impl IntoView {
    let CountingDownProperties { seconds } = Properties::given();
    let left = RwSignal::new(seconds);
    Effect::new(move || count_down(left, seconds));
    view! { <p class="countdown">{move || in_words(left.get())}</p> }
}

/// Counts down every second, until zero or until another countdown starts.
pub fn count_down(left: RwSignal<u32>, seconds: u32) {
    left.set(seconds);
    spawn_local(async move {
        for next in (0..seconds).rev() {
            browser::pause(1_000).await;
            if left.get_untracked() != next + 1 {
                break;
            }
            left.set(next);
        }
    });
}

/// When to try again.
fn in_words(seconds: u32) -> String {
    match seconds {
        0 => t("You can try again now.").to_owned(),
        1..=90 => fill("Try again in {} s.", &[&seconds.to_string()]),
        _ => fill("Try again in {} minutes.", &[&seconds.div_ceil(60).to_string()]),
    }
}

/// Told only where scripts are off.
#[component]
pub fn NeedsScripts(
    /// Whether email works instead.
    by_email: bool,
) -> impl IntoView {
    let sentence = if by_email {
        "Passkeys need JavaScript. Turn it on, or continue by email."
    } else {
        "Passkeys need JavaScript. Turn it on and reload the page."
    };
    view! {
        <noscript>
            <p class="alert advice">{t(sentence)}</p>
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
