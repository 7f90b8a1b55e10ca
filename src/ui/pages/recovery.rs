use crate::browser;
use crate::types::{ApiError, paths};
use crate::ui::words::t;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Recovery codes, shown this once. Plain text in a box that is easy to copy or print; a link keeps it as a file.
#[component]
pub fn RecoveryCodesPage(
    /// One a line.
    text: String,
) -> impl IntoView {
    let file = format!("data:text/plain;charset=utf-8,{}", text.replace('\n', "%0A"));
    view! {
        <h1>{t("Your recovery codes")}</h1>
        <p class="lead">
            {t(
                "Store them somewhere safe; we won't show them again. Each code works once. Older codes no \
                 longer work.",
            )}
        </p>
        <textarea id=CODES class="codes" rows="10" readonly aria-label=t("Recovery codes")>
            {text}
        </textarea>
        <p>
            <a class="button" href=file download="latchkey-recovery-codes.txt">
                {t("Download as a file")}
            </a>
        </p>
        <CopyOrPrint />
        <p class="aside">
            <a href=paths::ACCOUNT>{t("I've saved these codes")}</a>
        </p>
    }
}

/// The box of the codes.
const CODES: &str = "codes";

/// Two more ways to keep the codes, for who has scripts on; without them the text can be selected and the page printed.
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
        </div>
    }
}

/// Where a recovery code is typed; a form that works with scripts off.
#[component]
pub fn UseRecoveryCodePage(
    /// The text that was entered before a refusal.
    identifier: String,
    refusal: Option<ApiError>,
) -> impl IntoView {
    let note = refusal.map_or("One of your ten codes. Each works once.", ApiError::message);
    view! {
        <h1>{t("Use a recovery code")}</h1>
        <p class="lead">{t("Use one if you can't access your passkey or your email. You then create a new \
                            passkey.")}</p>
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
                    autofocus=refusal.is_some()
                    aria-invalid=refusal.map(|_| "true")
                    aria-describedby="code-note"
                />
                <p id="code-note" class="note" class:error=refusal.is_some()>
                    {t(note)}
                </p>
            </div>
            <button type="submit" class="button">
                {t("Sign in")}
            </button>
        </form>
        <p class="aside">
            <a href=paths::SIGN_IN>{t("Sign in another way")}</a>
        </p>
    }
}
