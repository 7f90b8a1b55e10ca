use crate::types::site::SiteLink;
use crate::types::{Notice, Site, paths, views};
use crate::ui::components::NoticeBar;
use leptos::config::LeptosOptions;
use leptos::prelude::*;
use std::sync::Arc;

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
    let site = expect_context::<Arc<Site>>();
    let styles = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>{format!("{title} · {}", site.name)}</title>
                <link rel="icon" href=site.logo />
                <link rel="stylesheet" href=styles />
                {site.colours.map(|colours| view! { <link rel="stylesheet" href=colours /> })}
                <AutoReload options=options.clone() />
                {interactive.then(|| view! { <HydrationScripts options islands=true /> })}
            </head>
            <body>
                <a class="skip" href="#content">
                    "Skip to content"
                </a>
                <header>
                    <a class="brand" href=paths::HOME>
                        <img src=site.logo alt="" width="28" height="28" />
                        {site.name.clone()}
                    </a>
                    <Navigation visitor is_open=site.is_open />
                </header>
                {notice.map(|notice| view! { <NoticeBar notice /> })}
                <main id="content">{children()}</main>
                <footer>
                    <p>"Passwordless sign-in. There is no password to lose."</p>
                    <Links support=site.support.clone() links=site.links.clone() />
                </footer>
            </body>
        </html>
    }
}

#[component]
fn Navigation(visitor: Option<views::User>, is_open: bool) -> impl IntoView {
    let links = match visitor {
        None => view! {
            <a href=paths::SIGN_IN>"Sign in"</a>
            {is_open.then(|| view! { <a href=paths::SIGN_UP>"Sign up"</a> })}
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

/// What whoever runs the site wants to be found on every page.
#[component]
fn Links(support: Option<String>, links: Vec<SiteLink>) -> impl IntoView {
    let help = support.map(|address| SiteLink { label: "Help".to_owned(), address });
    let all: Vec<_> = help.into_iter().chain(links).collect();
    (!all.is_empty()).then(|| {
        let link = |link: SiteLink| view! { <a href=link.address>{link.label}</a> };
        view! { <p class="links">{all.into_iter().map(link).collect_view()}</p> }
    })
}
