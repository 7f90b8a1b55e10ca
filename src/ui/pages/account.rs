use crate::types::views;
use leptos::prelude::*;

/// The person's own facts.
#[component]
pub fn AccountPage(user: views::User, passkeys: u32) -> impl IntoView {
    let address = user.email.unwrap_or_else(|| "none".to_owned());
    let proof = if user.email_verified { "confirmed" } else { "not confirmed" };
    view! {
        <h1>{format!("Hello, {}", user.display_name)}</h1>
        <dl class="profile">
            <dt>"Name"</dt>
            <dd>{user.display_name}</dd>
            <dt>"Username"</dt>
            <dd>{user.username}</dd>
            <dt>"E-mail"</dt>
            <dd>{address} " " <span class="tag">{proof}</span></dd>
            <dt>"Passkeys"</dt>
            <dd data-testid="passkeys">{passkeys}</dd>
            <dt>"Account id"</dt>
            <dd>
                <code>{user.id}</code>
            </dd>
        </dl>
    }
}
