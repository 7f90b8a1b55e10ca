use super::{Properties, WithProperties, properties};
use crate::browser;
use leptos::prelude::*;

/// Tells the device which passkeys are valid and what their owner is called, so that it removes stale ones and shows
/// the current name (WebAuthn Level 3, section 5.1.10). Does nothing if the browser lacks support.
#[component]
pub fn Signals(
    /// The JSON of `signalAllAcceptedCredentials`.
    accepted: String,
    /// The JSON of `signalCurrentUserDetails`; empty after the account was deleted.
    details: String,
) -> impl IntoView {
    view! {
        <WithProperties properties=SignallingProperties { accepted, details }>
            <Signalling />
        </WithProperties>
    }
}

properties! {
    struct SignallingProperties {
        accepted: String,
        details: String,
    }
}

#[island]
fn Signalling() -> impl IntoView {
    let SignallingProperties { accepted, details } = Properties::read();
    Effect::new(move || {
        browser::signal("signalAllAcceptedCredentials", &accepted);
        browser::signal("signalCurrentUserDetails", &details);
    });
}
