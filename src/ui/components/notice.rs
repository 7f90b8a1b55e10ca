use leptos::prelude::*;

/// A message about what just happened, announced when it appears. Its place is kept, so that nothing moves.
#[component]
pub fn Alert(#[prop(into)] message: Signal<Option<&'static str>>) -> impl IntoView {
    view! {
        <p class="alert" role="alert" hidden=move || message.get().is_none()>
            {move || message.get().unwrap_or_default()}
        </p>
    }
}

/// Told only where scripts are off.
#[component]
pub fn NeedsScripts() -> impl IntoView {
    view! {
        <noscript>
            <p class="alert">
                "Passkeys need JavaScript. Please turn it on for this page, or use another browser, and reload."
            </p>
        </noscript>
    }
}
