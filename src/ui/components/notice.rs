use super::{DerivedSignal, Properties, WithProperties, properties};
use crate::browser;
use crate::types::notice::Severity;
use crate::types::{ApiError, Notice};
use crate::ui::words::{fill, t};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// A notice from the previous page, above the content until the reader closes it. It is a dialog, which can be closed
/// with scripts off.
#[component]
pub fn NoticeBar(notice: Notice) -> impl IntoView {
    let is_warning = notice.severity() == Severity::Warning;
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

/// Why a form was refused. It takes focus, so screen readers start there.
#[component]
pub fn Refusal(message: &'static str) -> impl IntoView {
    view! {
        <p class="alert" role="alert" tabindex="-1" autofocus>
            {t(message)}
        </p>
    }
}

/// Why the whole form was refused, and how long to wait before sending it again.
#[component]
pub fn FormRefusal(error: ApiError) -> impl IntoView {
    view! {
        <div class="refusal">
            <Refusal message=error.message() />
            {(error.wait() > 0).then(|| view! { <Countdown seconds=error.wait() /> })}
        </div>
    }
}

/// A message about the last attempt, announced when it appears.
#[component]
pub fn Alert(
    #[prop(into)] message: DerivedSignal<Option<&'static str>>,
    /// Whether the message is not an error, since the user cancelled.
    #[prop(into)]
    is_advice: DerivedSignal<bool>,
    /// Seconds until the next attempt; they are counted down.
    #[prop(into)]
    wait: DerivedSignal<u32>,
) -> impl IntoView {
    let left = RwSignal::new(0);
    let [seconds, shown] = [wait.clone(), wait];
    Effect::new(move || count_down(left, seconds.get()));
    let [text, titled] = [message.clone(), message.clone()];
    let is_cancelled = is_advice.clone();
    Effect::new(move |was_run: Option<()>| {
        let is_error = titled.get().is_some() && !is_cancelled.get();
        // The server wrote the title, and the refusal of the previous attempt, of the page as it was loaded.
        if was_run.is_some() {
            browser::remove(".refusal");
            browser::mark_title(t("Error: {}"), is_error);
        }
    });
    view! {
        <div class="alert-place">
            <div role="alert">
                <p class="alert" class:advice=move || is_advice.get() hidden=move || message.get().is_none()>
                    {move || text.get().map(t).unwrap_or_default()}
                </p>
            </div>
            <p class="countdown" hidden=move || shown.get() == 0>
                {move || wait_text(left.get())}
            </p>
        </div>
    }
}

/// A countdown for pages that refuse too many attempts; with scripts off it shows the whole wait.
#[component]
pub fn Countdown(seconds: u32) -> impl IntoView {
    view! {
        <WithProperties properties=CountingDownProperties { seconds }>
            <CountdownIsland />
        </WithProperties>
    }
}

properties! {
    struct CountingDownProperties {
        /// Until the next attempt.
        seconds: u32,
    }
}

#[island]
fn CountdownIsland() -> impl IntoView {
    let CountingDownProperties { seconds } = Properties::read();
    let left = RwSignal::new(seconds);
    Effect::new(move || count_down(left, seconds));
    view! { <p class="countdown">{move || wait_text(left.get())}</p> }
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

/// Says when to try again.
fn wait_text(seconds: u32) -> String {
    match seconds {
        0 => t("You can try again now.").to_owned(),
        1..=90 => fill("Try again in {} s.", &[&seconds.to_string()]),
        _ => fill("Try again in {} minutes.", &[&seconds.div_ceil(60).to_string()]),
    }
}

/// Says that passkeys need scripts; shown only if scripts are off.
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

/// Marks a form as sent with scripts off. Without the mark, the passkey button was pressed before hydration.
#[component]
pub fn WithoutScripts(form: &'static str) -> impl IntoView {
    view! {
        <noscript>
            <input type="hidden" form=form name="scripts" value="off" />
        </noscript>
    }
}
