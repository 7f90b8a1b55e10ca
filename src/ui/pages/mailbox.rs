use crate::types::paths;
use crate::ui::components::LocalTime;
use crate::ui::words::t;
use leptos::nonce::use_nonce;
use leptos::prelude::*;

/// An entry in the list of the development mailbox.
#[derive(Clone, Debug)]
pub struct MailboxItem {
    pub id: String,
    pub to: String,
    pub subject: String,
    pub sent_at: String,
}

/// The open email.
#[derive(Clone, Debug)]
pub struct OpenEmail {
    pub id: String,
    pub lines: Vec<Line>,
}

/// A line of an email.
#[derive(Clone, Debug)]
pub enum Line {
    Words(String),
    Link(String),
}

/// Emails that would have been sent, newest first, and the open one.
#[component]
pub fn MailboxPage(emails: Vec<MailboxItem>, open: Option<OpenEmail>) -> impl IntoView {
    let is_empty = emails.is_empty();
    let newest = emails.first().map(|email| email.sent_at.clone()).unwrap_or_default();
    let chosen = open.as_ref().map(|email| email.id.clone());
    let items = emails.into_iter().map(|email| {
        let is_chosen = chosen.as_ref() == Some(&email.id);
        view! { <Item email is_chosen /> }
    });
    view! {
        <h1>{t("Development mailbox")}</h1>
        <p class="lead">
            {t("No mail server is configured, so emails are kept here. New ones appear automatically.")}
        </p>
        <Watch newest />
        {is_empty.then(|| view! { <p>{t("No emails yet. Request one on the sign-in page.")}</p> })}
        <div class="mailbox wide">
            <ol class="emails">{items.collect::<Vec<_>>()}</ol>
            {open.map(|email| view! { <EmailView email /> })}
        </div>
    }
}

/// Reloads the page when there is a newer email.
#[component]
fn Watch(newest: String) -> impl IntoView {
    let script = format!(
        "setInterval(async()=>{{try{{const r=await fetch(\"{}\"),e=r.ok?await r.json():[];\
         if(e.length&&e[0].sent_at!==\"{newest}\")location.reload()}}catch{{}}}},2000)",
        paths::MAILBOX_JSON
    );
    view! { <script nonce=use_nonce() inner_html=script></script> }
}

#[component]
fn Item(email: MailboxItem, is_chosen: bool) -> impl IntoView {
    view! {
        <li>
            <a href=format!("{}?email={}", paths::MAILBOX, email.id) aria-current=is_chosen.then_some("true")>
                <strong>{email.subject}</strong>
                <span>
                    {t("To")} " " {email.to} ", " <LocalTime at=email.sent_at with_time=true />
                </span>
            </a>
        </li>
    }
    .into_any()
}

/// The email as HTML, in a sandboxed frame without scripts, and as text.
#[component]
fn EmailView(email: OpenEmail) -> impl IntoView {
    let address = format!("{}?email={}", paths::MAILBOX_HTML, email.id);
    view! {
        <article aria-label=t("Email")>
            <iframe src=address title=t("Email as HTML") sandbox="allow-top-navigation-by-user-activation"></iframe>
            <h2>{t("Plain text")}</h2>
            <div class="email">{email.lines.into_iter().map(line_view).collect::<Vec<_>>()}</div>
        </article>
    }
    .into_any()
}

fn line_view(line: Line) -> AnyView {
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
