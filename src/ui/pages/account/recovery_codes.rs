use super::row::ConfirmedAction;
use crate::types::{AccountAction, paths};
use crate::ui::words::{counted, t};
use leptos::prelude::*;

/// The number of recovery codes left, and the form that creates new ones.
#[component]
pub fn RecoverySection(left: u32) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="section">
            <p>{t("Ten one-time codes that get you back in if you lose everything else.")}</p>
            <p data-testid="recovery-codes">
                <strong>{counted_codes(left)}</strong>
            </p>
            {if left == 0 {
                view! {
                    <form method="post" action=paths::ACCOUNT>
                        <input type="hidden" name="action" value=AccountAction::RecoveryCodes.name() />
                        <button type="submit" class="button quiet">
                            {t("Get recovery codes")}
                        </button>
                    </form>
                }
                    .into_any()
            } else {
                view! {
                    <div class="last">
                        <ConfirmedAction
                            summary="Replace codes"
                            label=t("Replace codes").to_owned()
                            question=t("You'll get ten new codes, and the old ones will stop working.").to_owned()
                            action=AccountAction::RecoveryCodes
                            about=String::new()
                            button="Replace codes"
                        />
                    </div>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

/// The number of recovery codes in words.
pub fn counted_codes(left: u32) -> String {
    match left {
        0 => t("You have no recovery codes.").to_owned(),
        left => counted(left as usize, "You have 1 code left.", "You have {} codes left."),
    }
}
