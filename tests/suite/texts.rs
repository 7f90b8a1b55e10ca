//! Every text is translated into every language, and no translation is unused.

use crate::app::{App, Backends};
use latchkey::types::{Language, texts};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The text of each file in a folder, without tests and comments.
fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let lines =
            text.lines().filter(|line| !line.trim_start().starts_with("//") && !line.trim_start().starts_with('#'));
        found.push(lines.collect::<Vec<_>>().join("\n"));
    }
    found
}

/// Each string literal in a source, with the code before it.
fn strings(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find('"') {
        let (before, after) = (&rest[..start], &rest[start + 1..]);
        let mut text = String::new();
        let mut end = after.len();
        let mut chars = after.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    end = at + 1;
                    break;
                }
                // A line continuation, without the indentation of the next line.
                '\\' if chars.peek().is_some_and(|(_, next)| *next == '\n') => {
                    while chars.peek().is_some_and(|(_, next)| next.is_whitespace()) {
                        chars.next();
                    }
                }
                '\\' => text.extend(chars.next().map(|(_, char)| char)),
                char => text.push(char),
            }
        }
        let tail: String = before.chars().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect();
        found.push((tail, text));
        rest = &after[end..];
    }
    found
}

/// Whether users see this string: it is an argument of a known function or attribute, or it looks like words.
fn is_visible(before: &str, text: &str) -> bool {
    let before = before.trim_end();
    let is_translated =
        before.strip_suffix("t(").is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
    if is_translated || [".with(", "fill(", "label=", "hint="].iter().any(|end| before.ends_with(end)) {
        return text.chars().any(char::is_alphabetic);
    }
    let first = text.chars().next().unwrap_or_default();
    let is_word = text.chars().skip(1).all(|char| char.is_ascii_lowercase());
    let looks_like_words = text.contains(' ') || is_word;
    !before.ends_with('=') && (first.is_ascii_uppercase() || first == '"') && text.len() > 2 && looks_like_words
}

#[test]
fn exactly_the_visible_texts_are_translated() {
    let folders = ["src/ui", "src/web", "src/server/mail/templates"];
    let files = [
        "src/types/error/mod.rs",
        "src/types/notice.rs",
        "src/browser/mod.rs",
        "src/server/model/event.rs",
        "src/server/mail/email.rs",
        "src/server/mail/notification.rs",
        "src/server/mail/translate.rs",
        "src/types/forms.rs",
        "src/types/section.rs",
    ];
    let mut all: Vec<_> = folders.iter().flat_map(|folder| sources(Path::new(folder))).collect();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        all.push(text.split("#[cfg(test)]").next().unwrap().to_owned());
    }
    let known: BTreeSet<_> = texts::all(Language::German).map(|(english, _)| english.to_owned()).collect();
    let mut visible = BTreeSet::new();
    let mut literals = BTreeSet::new();
    for source in &all {
        let is_template = source.contains("{{ w.");
        for (before, text) in strings(source) {
            let is_shown = if is_template {
                before.ends_with("w.t(") || before.ends_with("w.with(")
            } else {
                is_visible(&before, &text)
            };
            if is_shown {
                visible.insert(text.clone());
            }
            literals.insert(text);
        }
    }
    // Details of activity entries are written by the code that records them.
    for source in sources(Path::new("src/server/auth")).iter().chain(&sources(Path::new("src/server/model"))) {
        literals.extend(strings(source).into_iter().map(|(_, text)| text));
    }
    let missing: Vec<_> = visible.difference(&known).collect();
    assert!(missing.is_empty(), "texts/de.txt lacks {missing:#?}");
    let unused: Vec<_> = known.difference(&literals).collect();
    assert!(unused.is_empty(), "unused translations: {unused:#?}");
}

/// The visible text of a page, without scripts and tags.
fn words(page: &str) -> String {
    let mut page = page.to_owned();
    while let (Some(start), Some(end)) = (page.find("<script"), page.find("</script>")) {
        page.replace_range(start..end + "</script>".len(), "");
    }
    let mut words = String::new();
    let mut is_tag = false;
    for char in page.chars() {
        match char {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                words.push('\n');
            }
            char if !is_tag => words.push(char),
            _ => {}
        }
    }
    words.replace("&#x27;", "'").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The English texts on a page, except those that are the same in both languages.
fn english_on(page: &str) -> Vec<&'static str> {
    let lines: Vec<_> = words(page).lines().map(|line| line.trim().to_owned()).collect();
    let differs = |pair: &(&str, &str)| pair.0 != pair.1;
    let pairs = texts::all(Language::German).filter(differs);
    let german_texts: BTreeSet<_> = texts::all(Language::German).map(|(_, german)| german).collect();
    pairs
        .map(|(english, _)| english)
        .filter(|english| !german_texts.contains(english) && lines.iter().any(|line| line == english))
        .collect()
}

#[tokio::test]
async fn pages_are_available_in_german() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.cookies.insert("latchkey_language".to_owned(), "de".to_owned());
    for path in
        ["/", "/sign-in", "/sign-up", "/sign-in?step=recovery", "/nothing", "/email/link?token=x", "/dev/mailbox"]
    {
        let page = browser.get(path).await.text();
        assert!(page.contains("<html lang=\"de\" dir=\"ltr\">"), "{path}");
        assert_eq!(english_on(&page), Vec::<&str>::new(), "{path}");
    }
    let passkey = browser.sign_up("ada").await;
    let email = app.email_to("ada@example.org").await;
    assert_eq!(email.0.subject, "Bestätigen Sie Ihre E-Mail-Adresse bei Latchkey");
    assert!(email.0.html.contains("<html lang=\"de\""), "{}", email.0.html);
    let confirm = browser.get(&format!("/email/confirm?token={}", email.token())).await.text();
    assert_eq!(english_on(&confirm), Vec::<&str>::new());
    browser.form("/email/confirm", &[("token", &email.token())]).await;
    browser.post("/api/sign-out", json!({})).await;
    browser.sign_in(&passkey).await;
    let sections = latchkey::types::Section::ALL.map(latchkey::types::Section::path);
    for path in sections.into_iter().chain(["/account/passkeys?step=add", "/account?step=ready"]) {
        let page = browser.get(path).await.text();
        assert!(page.contains("lang=\"de\""), "{path}: {page}");
        assert_eq!(english_on(&page), Vec::<&str>::new(), "{path}");
    }
    browser.post("/api/recovery/codes", json!({})).await;
    let notification = app.email_about("ada@example.org", "Es wurden neue Wiederherstellungscodes erstellt").await;
    let not_me = browser.get(&format!("/not-me?token={}", notification.token_for("/not-me"))).await.text();
    assert_eq!(english_on(&not_me), Vec::<&str>::new());
    app.clock.advance(std::time::Duration::from_mins(11));
    let redirect = browser.form("/account", &[("action", "recovery-codes")]).await;
    let reauthentication = browser.get(redirect.header("location")).await.text();
    assert!(reauthentication.contains("Bestätigen Sie, dass Sie es sind"), "{reauthentication}");
    assert_eq!(english_on(&reauthentication), Vec::<&str>::new());
    let refused = browser.form("/account", &[("action", "username"), ("name", "x")]).await.text();
    assert_eq!(english_on(&refused), Vec::<&str>::new());
}

#[tokio::test]
async fn the_browser_or_the_user_chooses_the_language() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let german = |answer: &crate::app::Answer| answer.text().contains("<html lang=\"de\"");
    assert!(!german(&browser.get("/sign-in").await));
    let request =
        axum::http::Request::get("/sign-in").header("accept-language", "de-AT,en;q=0.3").header("accept", "text/html");
    let answer = browser.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert!(german(&answer));
    let varies: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(varies, ["accept-language, cookie"]);

    let chosen = browser.form("/language", &[("language", "de"), ("next", "/sign-in?step=recovery")]).await;
    assert_eq!((chosen.status.as_u16(), chosen.header("location")), (303, "/sign-in?step=recovery"));
    assert!(german(&browser.get("/sign-in").await));
    let elsewhere = browser.form("/language", &[("language", "de"), ("next", "//evil.example")]).await;
    assert_eq!(elsewhere.header("location"), "/");
    for wrong in ["", "fr", "de-DE", "<b>"] {
        assert_eq!(browser.form("/language", &[("language", wrong)]).await.status, 400, "{wrong:?}");
    }
    browser.form("/language", &[("language", "en"), ("next", "/")]).await;
    assert!(!german(&browser.get("/sign-in").await));
}

#[tokio::test]
async fn emails_follow_the_language_that_the_user_chose_last() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut browser = app.browser();
        browser.sign_up_verified(&app, "ada").await;
        browser.form("/language", &[("language", "de"), ("next", "/account")]).await;
        browser.post("/api/recovery/codes", json!({})).await;
        app.email_about("ada@example.org", "Es wurden neue Wiederherstellungscodes erstellt").await;
        app.browser().request_sign_in_email("ada").await;
        // The account owner's language applies.
        app.email_about("ada@example.org", "Anmelden bei Latchkey").await;
    }
}
