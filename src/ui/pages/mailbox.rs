use crate::ui::words::t;
use leptos::prelude::*;

/// A letter of the development mailbox.
#[derive(Clone, Debug)]
pub struct MailboxEntry {
    pub to: String,
    pub subject: String,
    pub lines: Vec<Line>,
    pub sent_at: String,
}

/// A line of a letter.
#[derive(Clone, Debug)]
pub enum Line {
    Words(String),
    Link(String),
}

/// Letters that would have been sent, newest first.
#[component]
pub fn MailboxPage(letters: Vec<MailboxEntry>) -> impl IntoView {
    let is_empty = letters.is_empty();
    view! {
        <h1>{t("Development mailbox")}</h1>
        <p class="lead">{t("No mail server is set, so letters stay here, on this machine. Reload to see new ones.")}</p>
        {is_empty.then(|| view! { <p>{t("No letter yet. Ask for one on the sign-in page.")}</p> })}
        <ol class="letters">
            {letters
                .into_iter()
                .map(|letter| {
                    let sent_at = letter.sent_at.clone();
                    view! {
                        <li>
                            <h2>{letter.subject}</h2>
                            <p class="note">
                                {t("To")} " " {letter.to} ", " <time datetime=sent_at>{letter.sent_at}</time>
                            </p>
                            <div class="letter">{letter.lines.into_iter().map(written).collect::<Vec<_>>()}</div>
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
