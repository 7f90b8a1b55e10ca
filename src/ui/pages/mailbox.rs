use crate::ui::words::t;
use leptos::prelude::*;

/// An email of the development mailbox.
#[derive(Clone, Debug)]
pub struct MailboxEntry {
    pub to: String,
    pub subject: String,
    pub lines: Vec<Line>,
    pub sent_at: String,
}

/// A line of an email.
#[derive(Clone, Debug)]
pub enum Line {
    Words(String),
    Link(String),
}

/// Emails that would have been sent, newest first.
#[component]
pub fn MailboxPage(emails: Vec<MailboxEntry>) -> impl IntoView {
    let is_empty = emails.is_empty();
    view! {
        <h1>{t("Development mailbox")}</h1>
        <p class="lead">{t("No mail server is set, so emails are kept here. Reload to see new ones.")}</p>
        {is_empty.then(|| view! { <p>{t("No emails yet. Request one on the sign-in page.")}</p> })}
        <ol class="emails">
            {emails
                .into_iter()
                .map(|email| {
                    let sent_at = email.sent_at.clone();
                    view! {
                        <li>
                            <h2>{email.subject}</h2>
                            <p class="note">
                                {t("To")} " " {email.to} ", " <time datetime=sent_at>{email.sent_at}</time>
                            </p>
                            <div class="email">{email.lines.into_iter().map(written).collect::<Vec<_>>()}</div>
                        </li>
                    }
                })
                .collect::<Vec<_>>()}
        </ol>
    }
}

fn written(line: Line) -> AnyView {
    match line {
        Line::Words(words) => view! { {words} "\n" }.into_any(),
        Line::Link(address) => {
            let target = address.clone();
            view! {
                <a href=target>{address}</a>
                "\n"
            }
            .into_any()
        }
    }
}
