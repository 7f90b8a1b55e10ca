//! The contents of security notifications. Their texts are in `templates/`.

use super::email::{Branding, Email, Unwritable};
use super::link_like::looks_like_link;
use super::translate::{Translator, translation_methods};
use crate::server::model::email_queue::EmailId;
use crate::server::model::notification::{NOTIFICATION_LIFE, Notification, Occasion};
use crate::server::model::user::deliverable;
use crate::server::secret::Token;
use crate::types::{Language, paths};
use askama::Template;
use std::fmt::Display;

/// The values of a security notification.
struct Values<'a> {
    subject: &'a str,
    language: Language,
    branding: &'a Branding,
    name: &'a str,
    /// The event.
    message: String,
    at: String,
    /// The browser and system; empty if they are unknown.
    client: String,
    /// The link that restores the address; empty if it cannot be restored.
    undo: String,
    /// The link that reports the event; empty if the account was deleted.
    report: String,
    /// The sentence that says when no action is needed; empty if the message already says what to do.
    no_action: &'static str,
    hours: u64,
}

#[derive(Template)]
#[template(path = "security.txt", config = "../src/server/mail/askama.toml")]
struct SecurityText<'a> {
    w: &'a Values<'a>,
}

#[derive(Template)]
#[template(path = "security.html", config = "../src/server/mail/askama.toml")]
struct SecurityHtml<'a> {
    w: &'a Values<'a>,
}

/// Writes a security notification.
///
/// # Errors
/// When the address has no form that mail servers accept, or a template fails.
pub fn write_notification(
    id: EmailId,
    about: &Notification,
    link: &Token,
    branding: &Branding,
) -> Result<Email, Unwritable> {
    let translator = Translator(about.language);
    let (subject, message) = subject_and_message(about);
    let to = |path: &str| format!("{}{path}?token={}", branding.origin, link.encode());
    let values = Values {
        subject,
        language: about.language,
        branding,
        name: Some(about.name.as_str()).filter(|name| !looks_like_link(name)).unwrap_or_default(),
        message,
        at: about.language.date_and_time(&about.happened_at.to_rfc3339()),
        client: match about.occasion {
            Occasion::SignInLinkCreated => translator.t("this site's server").to_owned(),
            _ => about.client.describe(about.language).unwrap_or_default(),
        },
        undo: if about.can_undo { to(paths::EMAIL_UNDO) } else { String::new() },
        report: if about.user_id.is_some() { to(paths::NOT_ME) } else { String::new() },
        no_action: no_action(about.occasion),
        hours: NOTIFICATION_LIFE.as_secs() / 3_600,
    };
    let recipient = deliverable(&about.address).ok_or(Unwritable::Address)?;
    let w = &values;
    let (text, html) = (SecurityText { w }.render()?, SecurityHtml { w }.render()?);
    Ok(Email { id, recipient, subject: subject.to_owned(), text, html })
}

/// The sentence that says when no action is needed; empty if the message already says what to do.
fn no_action(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::CounterWentBack => "",
        Occasion::Deleted => {
            "If this was you, you don't need to do anything. If it wasn't, contact your administrator."
        }
        Occasion::Digest => "If all of them were yours, you don't need to do anything.",
        Occasion::SignInLinkCreated => "If you asked your administrator for this link, you don't need to do anything.",
        _ => "If this was you, you don't need to do anything.",
    }
}

/// The subject of a security notification, and a sentence about the event. A name that could be taken for a link is
/// left out.
fn subject_and_message(about: &Notification) -> (&'static str, String) {
    let translator = Translator(about.language);
    let name = about.detail.as_deref().filter(|name| !looks_like_link(name));
    let address = about.detail.as_deref();
    let named = |with: &'static str, without: &'static str| match name {
        Some(name) => translator.with(with, name),
        None => translator.t(without).to_owned(),
    };
    let (subject, message) = match about.occasion {
        Occasion::PasskeyAdded => (
            "A passkey was added to your account",
            named("A passkey was added to your account: {}.", "A passkey was added to your account."),
        ),
        Occasion::PasskeyRemoved => (
            "A passkey was removed from your account",
            named("A passkey was removed from your account: {}.", "A passkey was removed from your account."),
        ),
        Occasion::AddressChanged | Occasion::AddressLeft
            if about.can_undo || about.occasion == Occasion::AddressLeft =>
        {
            (
                "Your email address was changed",
                translator
                    .with("Your account's email address was changed from this one to {}.", address.unwrap_or_default()),
            )
        }
        Occasion::AddressChanged | Occasion::AddressLeft => (
            "Your email address was changed",
            translator.t("Your account's email address was changed to this one.").to_owned(),
        ),
        Occasion::AddressRestored => (
            "Your email address was restored",
            translator.t("This is your account's email address again. All devices were signed out.").to_owned(),
        ),
        Occasion::AddressDisplaced => (
            "Your email address was changed back",
            translator.with(
                "Your account's email address was changed back from this one to {}. All devices were signed out.",
                address.unwrap_or_default(),
            ),
        ),
        Occasion::UsernameChanged => {
            ("Your username was changed", named("Your username was changed to {}.", "Your username was changed."))
        }
        Occasion::RecoveryCodesCreated => (
            "New recovery codes were created",
            translator.t("New recovery codes were created for your account. Older ones no longer work.").to_owned(),
        ),
        Occasion::RecoveryCodeUsed => {
            ("Recovery code used", translator.t("Someone signed in to your account with a recovery code.").to_owned())
        }
        Occasion::NewDevice => (
            "Sign-in from a new device",
            translator.t("Someone signed in to your account from a device we hadn't seen before.").to_owned(),
        ),
        Occasion::CounterWentBack => (
            "Passkey may have been copied",
            named(
                "A sign-in with your passkey {} was refused because the passkey may have been copied. Remove \
                 it and create a new one.",
                "A sign-in with one of your passkeys was refused because the passkey may have been copied. \
                 Remove it and create a new one.",
            ),
        ),
        Occasion::Exported => (
            "Your account's data was downloaded",
            translator.t("Someone downloaded a file with everything we store about your account.").to_owned(),
        ),
        Occasion::Deleted => (
            "Your account was deleted",
            translator
                .t("Your account was deleted with everything in it: passkeys, sessions, recovery codes and activity.")
                .to_owned(),
        ),
        Occasion::SignInLinkCreated => (
            "A sign-in link was created for your account",
            translator
                .t("An administrator created a sign-in link for your account. It works once, in any browser. \
                   Administrators do this for users who have lost every sign-in method.")
                .to_owned(),
        ),
        Occasion::Digest => (
            "More changes to your account",
            translator
                .t("There were too many changes to your account in one hour to email you about each one. See all \
                   changes on your account page.")
                .to_owned(),
        ),
    };
    (translator.t(subject), message)
}

translation_methods! { Values }
