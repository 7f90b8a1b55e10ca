use crate::types::{Notice, paths, views};
use crate::ui::components::NoticeBar;
use leptos::config::LeptosOptions;
use leptos::prelude::*;

/// The document around every page.
#[component]
pub fn Shell(
    options: LeptosOptions,
    title: &'static str,
    /// Whether the page has islands; one without them loads no WebAssembly.
    interactive: bool,
    /// Who is signed in, for the navigation.
    visitor: Option<views::User>,
    /// What the page before had to say.
    notice: Option<Notice>,
    children: Children,
) -> impl IntoView {
    let styles = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>{format!("{title} · Latchkey")}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=styles />
                <AutoReload options=options.clone() />
                {interactive.then(|| view! { <HydrationScripts options islands=true /> })}
            </head>
            <body>
                <a class="skip" href="#content">
                    "Skip to content"
                </a>
                <header>
                    <a class="brand" href=paths::HOME>
                        <img src="/favicon.svg" alt="" width="28" height="28" />
                        "Latchkey"
                    </a>
                    <Navigation visitor />
                </header>
                {notice.map(|notice| view! { <NoticeBar notice /> })}
                <main id="content">{children()}</main>
                <footer>
                    <p>"Passwordless sign-in. There is no password to lose."</p>
                </footer>
            </body>
        </html>
    }
}

#[component]
fn Navigation(visitor: Option<views::User>) -> impl IntoView {
    let links = match visitor {
        None => view! {
            <a href=paths::SIGN_IN>"Sign in"</a>
            <a href=paths::SIGN_UP>"Sign up"</a>
        }
        .into_any(),
        Some(_) => view! {
            <a href=paths::ACCOUNT>"Account"</a>
            <form method="post" action=paths::SIGN_OUT>
                <button type="submit">"Sign out"</button>
            </form>
        }
        .into_any(),
    };
    view! { <nav aria-label="Account">{links}</nav> }
}
