use crate::types::{ApiError, paths};
use leptos::prelude::*;

/// The page for a refusal, such as "not found": what happened, and a way on.
#[component]
pub fn RefusalPage(error: ApiError) -> impl IntoView {
    view! {
        <h1>{heading(error)}</h1>
        <p class="lead">{error.message()}</p>
        <a class="button" href=paths::HOME>
            "Go to the start page"
        </a>
    }
}

/// What stands over the page and in the tab.
#[must_use]
pub fn heading(error: ApiError) -> &'static str {
    match error {
        ApiError::NotFound => "Page not found",
        ApiError::Unavailable => "Back in a moment",
        ApiError::CrossOrigin | ApiError::MethodNotAllowed => "Nothing was done",
        _ => "Something went wrong",
    }
}
