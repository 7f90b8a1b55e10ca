use crate::browser;
use crate::types::{ApiError, Language, Section, Site, paths};
use crate::ui::components::FormRefusal;
use crate::ui::words::{fill, t};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::sync::Arc;

/// The site and account that new recovery codes belong to.
#[derive(Clone, Debug)]
pub struct RecoveryCodesOwner {
    /// Address of the site.
    pub origin: String,
    pub username: String,
    /// RFC 3339.
    pub created_at: String,
}

/// New recovery codes, shown once: as plain text that is easy to copy and print, and as a file.
#[component]
pub fn RecoveryCodesPage(
    /// One code per line.
    text: String,
    owner: RecoveryCodesOwner,
) -> impl IntoView {
    let RecoveryCodesOwner { origin, username, created_at } = owner;
    let site = expect_context::<Arc<Site>>().name.clone();
    let day = created_at.split('T').next().map(|day| use_context::<Language>().unwrap_or_default().date(day));
    let about = [
        format!("{site}, {origin}"),
        fill("Recovery codes for {}, created {}", &[&username, &day.unwrap_or_default()]),
    ];
    let file = format!("{}\n\n{text}\n", about.join("\n"));
    view! {
        <h1>{t("Your recovery codes")}</h1>
        <p class="lead">
            {t(
                "Store them somewhere safe; we won't show them again. Each code works once. Older codes no \
                 longer work.",
            )}
        </p>
        <div class="printed">{about.map(|line| view! { <p class="break-words">{line}</p> }).collect_view()}</div>
        <textarea id=CODES class="codes" rows="10" readonly aria-label=t("Recovery codes")>
            {text}
        </textarea>
        <div class="side-by-side">
            <a class="button quiet" href=format!("data:text/plain;charset=utf-8,{}", escaped(&file)) download="latchkey-recovery-codes.txt">
                {t("Download")}
            </a>
            <CopyOrPrint />
        </div>
        <p>
            <a class="button" href=Section::RecoveryCodes.path()>
                {t("I've saved these codes")}
            </a>
        </p>
    }
}

/// Percent-encodes a text (RFC 3986, section 2.1).
fn escaped(text: &str) -> String {
    let byte =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

/// The id of the text area with the codes.
const CODES: &str = "codes";

/// Buttons that copy and print the codes. With scripts off, users can select the text and print the page.
#[island]
fn CopyOrPrint() -> impl IntoView {
    let is_copied = RwSignal::new(false);
    let copy = move |_| {
        spawn_local(async move { is_copied.set(browser::copy_from(CODES).await) });
    };
    view! {
        <div class="needs-scripts">
            <button type="button" class="button quiet" on:click=copy>
                {move || t(if is_copied.get() { "Copied" } else { "Copy" })}
            </button>
            <button type="button" class="button quiet" on:click=|_| browser::print()>
                {t("Print")}
            </button>
            <p role="status" class="sr-only">
                {move || if is_copied.get() { t("Copied") } else { "" }}
            </p>
        </div>
    }
}

/// The form for a recovery code, which works with scripts off.
#[component]
pub fn UseRecoveryCodePage(
    /// The text that was entered before a refusal.
    identifier: String,
    /// Whether sign-in by email is on.
    by_email: bool,
    /// The sign-in page.
    sign_in: String,
    refusal: Option<ApiError>,
) -> impl IntoView {
    let about_code = refusal.filter(|error| matches!(error, ApiError::CodeWrong { .. }));
    let overall = refusal.filter(|_| about_code.is_none());
    let is_known = !identifier.is_empty();
    let lead = if by_email {
        "Use one if you can't access your passkey or your email. You'll then create a new passkey."
    } else {
        "You'll then create a new passkey."
    };
    let note = about_code.map_or("One of your ten codes. Each works once.", ApiError::message);
    view! {
        {overall.map(|error| view! { <FormRefusal error /> })}
        <h1>{t("Use a recovery code")}</h1>
        <p class="lead">{t(lead)}</p>
        <form class="form" method="post" action=paths::SIGN_IN>
            <input type="hidden" name="action" value="recovery" />
            <div class="field">
                <label for="identifier">{t("Username or email")}</label>
                <input
                    id="identifier"
                    name="identifier"
                    type="text"
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck="false"
                    maxlength="254"
                    required
                    value=identifier
                    autofocus=refusal.is_none() && !is_known
                />
            </div>
            <div class="field">
                <label for="code">{t("Recovery code")}</label>
                <input
                    id="code"
                    name="code"
                    type="text"
                    autocomplete="off"
                    autocapitalize="characters"
                    spellcheck="false"
                    maxlength="64"
                    required
                    autofocus=about_code.is_some() || (refusal.is_none() && is_known)
                    aria-invalid=about_code.map(|_| "true")
                    aria-describedby="code-note"
                />
                <p id="code-note" class="note" class:error=about_code.is_some()>
                    {t(note)}
                </p>
            </div>
            <button type="submit" class="button">
                {t("Sign in")}
            </button>
        </form>
        <p class="aside">
            <a href=sign_in>{t("Sign in another way")}</a>
        </p>
    }
}
