use crate::types::notice::Severity;
use crate::types::site::SiteLink;
use crate::types::{Language, Notice, Site, paths, texts};
use crate::ui::components::{NoticeBar, Refusal};
use crate::ui::words::{fill, t};
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use std::sync::Arc;

/// Shows dates in the reader's time zone and language (recent ones as "today, 12:34"); writes the notice once more after
/// half a second, since screen readers announce only what changes after they have read the page; and moves focus to the
/// content when the notice is closed. Plain JavaScript, since pages without islands load no WebAssembly.
const SCRIPT: &str = include_str!("page.js");

/// The reader of a page, who decides what its navigation offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Visitor,
    User,
    /// A user who may only create a passkey in this session.
    ConfinedUser,
}

/// The document around every page.
#[component]
pub fn Shell(
    options: LeptosOptions,
    title: &'static str,
    /// Whether the page shows why the previous form was refused.
    has_error: bool,
    /// Whether the page has islands; one without them loads no WebAssembly.
    interactive: bool,
    reader: Reader,
    /// The notice from the previous page.
    notice: Option<Notice>,
    /// Path and query of the page.
    here: String,
    /// Whether the page is shown only once at its address.
    shown_once: bool,
    /// The address of another site that the page redirects to at once.
    redirects_to: Option<String>,
    children: Children,
) -> impl IntoView {
    let (site, language) = (expect_context::<Arc<Site>>(), use_context::<Language>().unwrap_or_default());
    let failure = notice.filter(|notice| notice.severity() == Severity::Failure);
    let notice = notice.filter(|notice| notice.severity() != Severity::Failure);
    let title = if has_error || failure.is_some() { fill("Error: {}", &[t(title)]) } else { t(title).to_owned() };
    // The development mailbox is the only page with dates for visitors, and every byte counts.
    let is_mailbox = here.split('?').next() == Some(paths::MAILBOX);
    let needs_script = reader != Reader::Visitor || notice.is_some() || is_mailbox;
    let escaped_title = format!("{title} · {}", site.name).replace('&', "&amp;").replace('<', "&lt;");
    let styles = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    view! {
        <!DOCTYPE html>
        <html lang=language.tag() dir=language.direction()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                {redirects_to.map(|address| view! { <meta http-equiv="refresh" content=format!("0;url={address}") /> })}
                // In debug builds, Leptos ends children with a marker, which a title would show.
                <title inner_html=escaped_title></title>
                <link rel="icon" href=site.logo />
                <link rel="stylesheet" href=styles />
                {site.colours.map(|colours| view! { <link rel="stylesheet" href=colours /> })}
                <AutoReload options=options.clone() />
                {(interactive && language != Language::English)
                    .then(|| view! { <script type="text/plain" id=texts::EMBEDDED_ID inner_html=texts::embedded(language)></script> })}
                {interactive.then(|| view! { <Islands options /> })}
            </head>
            <body>
                <a class="skip" href="#content">
                    {t("Skip to content")}
                </a>
                <header>
                    <a class="brand" href=paths::HOME>
                        <img src=site.logo alt="" width="28" height="28" />
                        {site.name.clone()}
                    </a>
                    <Navigation reader is_open=site.is_open here=here.clone() />
                </header>
                <main id="content">
                    {notice.map(|notice| view! { <NoticeBar notice /> })}
                    {failure.map(|notice| view! { <Refusal message=notice.message() /> })}
                    {children()}
                </main>
                <footer>
                    <Links support=site.support.clone() links=site.links.clone() />
                    {(!shown_once).then(|| view! { <Languages chosen=language here /> })}
                </footer>
                // At the end, so that it rewrites the dates before the first paint and nothing moves.
                {needs_script.then(|| view! { <script nonce=use_nonce() inner_html=SCRIPT></script> })}
            </body>
        </html>
    }
}

#[component]
fn Navigation(reader: Reader, is_open: bool, here: String) -> impl IntoView {
    let path = here.split('?').next().unwrap_or_default().to_owned();
    let current = move |top: &str| match path.as_str() {
        path if path == top => Some("page"),
        path => paths::is_below(path, top).then_some("true"),
    };
    let links = match reader {
        Reader::Visitor => view! {
            <a href=paths::SIGN_IN aria-current=current(paths::SIGN_IN)>
                {t("Sign in")}
            </a>
            {is_open
                .then(|| {
                    view! {
                        <a href=paths::SIGN_UP aria-current=current(paths::SIGN_UP)>
                            {t("Sign up")}
                        </a>
                    }
                })}
        }
        .into_any(),
        Reader::User | Reader::ConfinedUser => view! {
            {(reader == Reader::User)
                .then(|| {
                    view! {
                        <a href=paths::APPS aria-current=current(paths::APPS)>
                            {t("Apps")}
                        </a>
                    }
                })}
            <a href=paths::ACCOUNT aria-current=current(paths::ACCOUNT)>
                {t("Account")}
            </a>
            <form method="post" action=paths::SIGN_OUT>
                <button type="submit">{t("Sign out")}</button>
            </form>
        }
        .into_any(),
    };
    view! { <nav aria-label=t("Main")>{links}</nav> }
}

/// Links that the administrator configured for every page.
#[component]
fn Links(support: Option<String>, links: Vec<SiteLink>) -> impl IntoView {
    let help = support.map(|address| SiteLink { label: t("Help").to_owned(), address });
    let all: Vec<_> = help.into_iter().chain(links).collect();
    (!all.is_empty()).then(|| {
        let link = |link: SiteLink| view! { <a href=link.address>{link.label}</a> };
        view! { <p class="links">{all.into_iter().map(link).collect_view()}</p> }
    })
}

/// A form with a button for each other language.
#[component]
fn Languages(chosen: Language, here: String) -> impl IntoView {
    let other = |language: Language| {
        view! {
            <button type="submit" class="link" name="language" value=language.tag() lang=language.tag()>
                {language.own_name()}
            </button>
        }
    };
    view! {
        <form class="links" method="post" action=paths::LANGUAGE>
            <input type="hidden" name="next" value=here />
            {Language::ALL.into_iter().filter(|language| *language != chosen).map(other).collect_view()}
        </form>
    }
}

/// Hydrates the islands of a page. It replaces the script of Leptos, which is inlined in every page and supports nested
/// islands, which are not used here. It also tells `browser::island_property` which island is being hydrated.
#[component]
fn Islands(options: LeptosOptions) -> impl IntoView {
    let file = |end: &str| format!("/{}/{}.{end}", options.site_pkg_dir, options.output_name);
    let (script, program) = (file("js"), file("wasm"));
    let wake = format!(
        "import(\"{script}\").then(async m=>{{await m.default({{module_or_path:\"{program}\"}});m.hydrate();\
         for(const e of document.querySelectorAll(\"leptos-island\")){{window.island=e;m[e.dataset.component](e)}}}})"
    );
    view! {
        <link rel="modulepreload" href=script />
        <link rel="preload" href=program r#as="fetch" type="application/wasm" crossorigin="anonymous" />
        <script type="module" nonce=use_nonce() inner_html=wake></script>
    }
}
