//! What letters say. The words stand in `templates/`.

use super::link_like::looks_like_link;
use crate::server::config::{Config, Palette};
use crate::server::model::Client;
use crate::server::model::email_request::{ANSWER_LIFE, CONFIRMATION_LIFE, Code, Purpose};
use crate::server::model::notification::{ANSWERABLE, Notification, Occasion};
use crate::server::model::outbox::EmailId;
use crate::server::model::user::deliverable;
use crate::server::secret::Token;
use crate::types::{DisplayName, EmailAddress, Language, paths, texts};
use askama::Template;
use std::fmt::{self, Display};

/// A letter, ready for the post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub id: EmailId,
    /// With the domain as A-labels, as mail servers take it.
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Who writes: what is the same in all letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branding {
    /// Where links lead: the one origin that people see.
    pub origin: String,
    /// What the site is called.
    pub site: String,
    pub palette: Palette,
}

impl Branding {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            origin: config.public_url.origin().to_owned(),
            site: config.brand.name.clone(),
            palette: Palette { accent: config.brand.accent.unwrap_or(Palette::OF_SHEET.accent), ..Palette::OF_SHEET },
        }
    }
}

/// What a letter is made of.
pub struct Draft<'a> {
    pub id: EmailId,
    pub address: &'a EmailAddress,
    /// Who is greeted by name: only the owner of a proven address.
    pub name: Option<&'a DisplayName>,
    pub purpose: &'a Purpose,
    pub client: &'a Client,
    pub language: Language,
    pub link: &'a Token,
    /// `None` where the link alone is sent.
    pub code: Option<&'a Code>,
}

/// The words that change from letter to letter.
struct Words<'a> {
    subject: &'a str,
    language: Language,
    head: &'a Branding,
    name: &'a str,
    link: String,
    code: &'a str,
    minutes: u64,
    hours: u64,
    asked: String,
}

macro_rules! templates {
    ($($name:ident = $path:literal;)*) => {$(
        #[derive(Template)]
        #[template(path = $path, config = "src/server/mail/askama.toml")]
        struct $name<'a> {
            w: &'a Words<'a>,
        }
    )*};
}

templates! {
    SignInText = "sign_in.txt";
    SignInHtml = "sign_in.html";
    SignUpText = "sign_up.txt";
    SignUpHtml = "sign_up.html";
    ConfirmText = "confirm.txt";
    ConfirmHtml = "confirm.html";
    ReauthenticateText = "reauthenticate.txt";
    ReauthenticateHtml = "reauthenticate.html";
}

/// Why a letter can never be written.
#[derive(Debug)]
pub enum Unwritable {
    /// The address has no form that mail servers take.
    Address,
    Template(askama::Error),
}

impl From<askama::Error> for Unwritable {
    fn from(cause: askama::Error) -> Self {
        Self::Template(cause)
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the address has no form that mail servers take"),
            Self::Template(cause) => write!(f, "its template failed: {cause}"),
        }
    }
}

impl std::error::Error for Unwritable {}

impl Draft<'_> {
    /// Writes the letter.
    ///
    /// # Errors
    /// When the address has no form that mail servers take, or a template fails.
    pub fn write(&self, head: &Branding) -> Result<Email, Unwritable> {
        let (Branding { origin, site, .. }, say) = (head, Say(self.language));
        let (subject, path) = match self.purpose {
            Purpose::SignIn { .. } | Purpose::BreakGlass { .. } => (say.with("Sign in to {}", site), paths::EMAIL_LINK),
            // A letter for signing up to whoever has an account already signs in to that one.
            Purpose::SignUp { .. } if self.name.is_some() => (say.with("Sign in to {}", site), paths::EMAIL_LINK),
            Purpose::SignUp { .. } => (say.with("Finish signing up for {}", site), paths::EMAIL_LINK),
            Purpose::Reauthenticate { .. } => (say.t("Confirm that it is you").to_owned(), paths::EMAIL_LINK),
            Purpose::Confirm { .. } => (say.with("Confirm your e-mail address for {}", site), paths::EMAIL_CONFIRM),
        };
        let words = Words {
            subject: &subject,
            language: self.language,
            head,
            name: self.name.map(DisplayName::as_str).filter(|name| !looks_like_link(name)).unwrap_or_default(),
            link: format!("{origin}{path}?token={}", self.link.encode()),
            code: self.code.map(Code::expose).unwrap_or_default(),
            minutes: ANSWER_LIFE.as_secs() / 60,
            hours: CONFIRMATION_LIFE.as_secs() / 3_600,
            asked: asked(self.client, say),
        };
        let w = &words;
        let (text, html) = match self.purpose {
            Purpose::Reauthenticate { .. } => (ReauthenticateText { w }.render(), ReauthenticateHtml { w }.render()),
            Purpose::Confirm { .. } => (ConfirmText { w }.render(), ConfirmHtml { w }.render()),
            Purpose::SignUp { .. } if self.name.is_none() => (SignUpText { w }.render(), SignUpHtml { w }.render()),
            Purpose::SignIn { .. } | Purpose::SignUp { .. } | Purpose::BreakGlass { .. } => {
                (SignInText { w }.render(), SignInHtml { w }.render())
            }
        };
        let recipient = deliverable(self.address).ok_or(Unwritable::Address)?;
        Ok(Email { id: self.id, recipient, subject, text: text?, html: html? })
    }
}

/// The words of a security letter.
struct Report<'a> {
    subject: &'a str,
    language: Language,
    head: &'a Branding,
    name: &'a str,
    /// What happened.
    said: String,
    at: String,
    client: String,
    /// Where its address can be restored; empty where it cannot.
    undo: String,
    /// Where "that was not me" is said; empty once there is no account.
    not_me: String,
    hours: u64,
}

#[derive(Template)]
#[template(path = "security.txt", config = "src/server/mail/askama.toml")]
struct SecurityText<'a> {
    w: &'a Report<'a>,
}

#[derive(Template)]
#[template(path = "security.html", config = "src/server/mail/askama.toml")]
struct SecurityHtml<'a> {
    w: &'a Report<'a>,
}

/// Writes a letter about something that happened.
///
/// # Errors
/// When the address has no form that mail servers take, or a template fails.
pub fn write_notification(
    id: EmailId,
    about: &Notification,
    link: &Token,
    head: &Branding,
) -> Result<Email, Unwritable> {
    let say = Say(about.language);
    let (subject, said) = report(about);
    let to = |path: &str| format!("{}{path}?token={}", head.origin, link.encode());
    let words = Report {
        subject,
        language: about.language,
        head,
        name: Some(about.name.as_str()).filter(|name| !looks_like_link(name)).unwrap_or_default(),
        said,
        at: about.happened_at.to_minutes(),
        client: match about.occasion {
            Occasion::SignInLinkMade => say.t("at the server of this site").to_owned(),
            _ => asked(&about.client, say),
        },
        undo: if about.can_undo { to(paths::EMAIL_UNDO) } else { String::new() },
        not_me: if about.user_id.is_some() { to(paths::NOT_ME) } else { String::new() },
        hours: ANSWERABLE.as_secs() / 3_600,
    };
    let recipient = deliverable(&about.address).ok_or(Unwritable::Address)?;
    let w = &words;
    let (text, html) = (SecurityText { w }.render()?, SecurityHtml { w }.render()?);
    Ok(Email { id, recipient, subject: subject.to_owned(), text, html })
}

/// The subject of a security notification, and what happened in a sentence. A name that could be taken for a link is left
/// out.
fn report(about: &Notification) -> (&'static str, String) {
    let say = Say(about.language);
    let name = about.detail.as_deref().filter(|name| !looks_like_link(name));
    let address = about.detail.as_deref();
    let named = |with: &'static str, without: &'static str| match name {
        Some(name) => say.with(with, name),
        None => say.t(without).to_owned(),
    };
    let (subject, said) = match about.occasion {
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
                "Your e-mail address was changed",
                say.with(
                    "The e-mail address of your account was changed from this one to {}.",
                    address.unwrap_or_default(),
                ),
            )
        }
        Occasion::AddressChanged | Occasion::AddressLeft => (
            "Your e-mail address was changed",
            say.t("The e-mail address of your account was changed to this one.").to_owned(),
        ),
        Occasion::AddressRestored => (
            "Your e-mail address was restored",
            say.t("This is the e-mail address of your account again. Everybody was signed out.").to_owned(),
        ),
        Occasion::AddressDisplaced => (
            "Your e-mail address was changed back",
            say.with(
                "The e-mail address of your account was changed back from this one to {}. All devices were signed out.",
                address.unwrap_or_default(),
            ),
        ),
        Occasion::UsernameChanged => (
            "Your username was changed",
            named("The username of your account was changed to {}.", "The username of your account was changed."),
        ),
        Occasion::RecoveryCodesMade => (
            "New recovery codes were made",
            say.t("New recovery codes were made for your account. Older ones no longer work.").to_owned(),
        ),
        Occasion::RecoveryCodeUsed => (
            "A recovery code was used",
            say.t("Somebody signed in to your account with one of its recovery codes.").to_owned(),
        ),
        Occasion::NewDevice => (
            "A sign-in from a new device",
            say.t("Somebody signed in to your account from a device that we had not seen before.").to_owned(),
        ),
        Occasion::CounterWentBack => (
            "A passkey may have been copied",
            named(
                "A sign-in with your passkey {} was refused: its counter went back, as when two devices use one. \
                 Remove that passkey and make a new one.",
                "A sign-in with one of your passkeys was refused: its counter went back, as when two devices use one. \
                 Remove that passkey and make a new one.",
            ),
        ),
        Occasion::Exported => (
            "A copy of your account's data was made",
            say.t("Somebody downloaded a file with everything that is held about your account.").to_owned(),
        ),
        Occasion::Deleted => (
            "Your account was deleted",
            say.t("Your account was deleted with everything in it: passkeys, sessions, recovery codes and activity.")
                .to_owned(),
        ),
        Occasion::SignInLinkMade => (
            "A sign-in link was made for your account",
            say.t(
                "Those who run this site made a link that signs in to your account once, in any browser. They do that \
                 when somebody who lost every way in has asked them.",
            )
            .to_owned(),
        ),
        Occasion::Digest => (
            "More changes in your account",
            say.t(
                "More happened in your account within an hour than we send emails about. Your account page lists it.",
            )
            .to_owned(),
        ),
    };
    (say.t(subject), said)
}

/// From which browser and system, as far as it says.
fn asked(client: &Client, say: Say) -> String {
    match (&client.browser, &client.system) {
        (Some(browser), Some(system)) => texts::filled(say.t("from {} on {}"), &[browser, system]),
        (Some(browser), None) => say.with("from {}", browser),
        (None, Some(system)) => say.with("from a browser on {}", system),
        (None, None) => say.t("from an unknown browser").to_owned(),
    }
}

/// Says things in one language.
#[derive(Clone, Copy)]
struct Say(Language);

impl Say {
    fn t(self, english: &'static str) -> &'static str {
        texts::translated(english, self.0)
    }

    fn with(self, english: &'static str, value: impl Display) -> String {
        texts::filled(self.t(english), &[&value.to_string()])
    }
}

/// How templates say things.
macro_rules! says {
    ($($words:ident)*) => {$(
        impl $words<'_> {
            fn t(&self, english: &'static str) -> &'static str {
                Say(self.language).t(english)
            }

            fn with(&self, english: &'static str, value: impl Display) -> String {
                Say(self.language).with(english, value)
            }

            fn greeting(&self) -> String {
                if self.name.is_empty() { self.t("Hello,").to_owned() } else { self.with("Hello {},", self.name) }
            }
        }
    )*};
}

says! { Words Report }
