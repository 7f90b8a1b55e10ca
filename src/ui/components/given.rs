//! How islands get what the server tells them: not as arguments, for which Leptos would bring a reader of JSON to every
//! browser (docs/adr/0004).

use crate::browser;
use crate::types::{ApiError, Given, Notice, given};
use leptos::attr::any_attribute::{AnyAttribute, IntoAnyAttribute};
use leptos::attr::custom::custom_attribute;
use leptos::context::Provider;
use leptos::prelude::*;

/// Gives the islands directly within what they ask for: on the server by context, in the browser by attributes of the
/// element around them. They ask while they are built, since the page names the island that is just being woken.
#[component]
pub fn Give(what: Given, children: Children) -> impl IntoView {
    let attribute = |(name, text)| custom_attribute(format!("data-{name}"), text).into_any_attr();
    let attributes: Vec<AnyAttribute> = what.clone().into_iter().map(attribute).collect();
    view! {
        <Provider value=what>
            <div {..attributes}>{children()}</div>
        </Provider>
    }
}

/// A text that this island was given; empty if it was not.
#[must_use]
pub fn given_text(name: &str) -> String {
    browser::given(name).unwrap_or_default()
}

/// Whether this island was given something.
#[must_use]
pub fn is_given(name: &str) -> bool {
    browser::given(name).is_some()
}

/// A number that this island was given; zero if it was not.
#[must_use]
pub fn given_number(name: &str) -> u32 {
    given_text(name).parse().unwrap_or_default()
}

/// The refusal that this island has to show.
#[must_use]
pub fn given_refusal() -> Option<ApiError> {
    match Notice::parse(&browser::given(given::REFUSAL)?) {
        Some(Notice::Refused(error)) => Some(error),
        _ => None,
    }
}
