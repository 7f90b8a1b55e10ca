use crate::types::{Language, views};
use crate::ui::words::fill;
use leptos::prelude::*;

/// A date or time in UTC; `ui/page.js` rewrites it in the reader's time zone.
#[component]
pub fn LocalTime(
    /// In RFC 3339 format.
    at: String,
    /// Whether to show hours and minutes.
    #[prop(optional)]
    with_time: bool,
) -> impl IntoView {
    let language = use_context::<Language>().unwrap_or_default();
    let text = if with_time { language.date_and_time(&at) } else { language.date(at.split('T').next().unwrap_or(&at)) };
    view! {
        <time datetime=at data-time=with_time.then_some("")>
            {text}
        </time>
    }
}

/// A date, for a placeholder of a [`sentence`](crate::ui::words::sentence).
pub fn day(at: String) -> AnyView {
    view! { <LocalTime at /> }.into_any()
}

/// The browser and system, such as "Firefox on Linux"; `None` if neither is known.
pub fn client_name(client: views::Client) -> Option<String> {
    match (client.browser, client.system) {
        (Some(browser), Some(system)) => Some(fill("{} on {}", &[&browser, &system])),
        (Some(only), None) | (None, Some(only)) => Some(only),
        (None, None) => None,
    }
}
