//! What letters say. The words stand in `templates/`.

use crate::server::Unavailable;
use crate::server::config::{Accent, Config};
use crate::server::model::letter::{ANSWER_LIFE, CONFIRMATION_LIFE, Code, LetterId, Purpose};
use crate::server::model::security_letter::{ANSWERABLE, Occasion, SecurityLetter};
use crate::server::model::user::deliverable;
use crate::server::secret::Token;
use crate::types::{DisplayName, EmailAddress, paths, views};
use askama::Template;

/// A letter, ready for the post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub id: LetterId,
    /// With the domain as A-labels, as mail servers take it.
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Who writes: what is the same in all letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letterhead {
    /// Where links lead: the one origin that people see.
    pub origin: String,
    /// What the site is called.
    pub site: String,
    /// The colour of buttons.
    pub accent: Accent,
}

impl Letterhead {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            origin: config.public_url.origin().to_owned(),
            site: config.brand.name.clone(),
            accent: config.brand.accent.unwrap_or(Accent::DEFAULT),
        }
    }
}

/// What a letter is made of.
pub struct Draft<'a> {
    pub id: LetterId,
    pub address: &'a EmailAddress,
    /// Who is greeted by name: only the owner of a proven address.
    pub name: Option<&'a DisplayName>,
    pub purpose: &'a Purpose,
    pub client: &'a views::Client,
    pub link: &'a Token,
    pub code: &'a Code,
}

/// The words that change from letter to letter.
struct Words<'a> {
    subject: &'a str,
    head: &'a Letterhead,
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

impl Draft<'_> {
    /// Writes the letter.
    ///
    /// # Errors
    /// When the address has no form that mail servers take, or a template fails.
    pub fn write(&self, head: &Letterhead) -> Result<Letter, Unavailable> {
        let Letterhead { origin, site, .. } = head;
        let (subject, path) = match self.purpose {
            Purpose::SignIn { .. } | Purpose::BreakGlass { .. } => (format!("Sign in to {site}"), paths::EMAIL_LINK),
            // A letter for signing up to whoever has an account already signs in to that one.
            Purpose::SignUp { .. } if self.name.is_some() => (format!("Sign in to {site}"), paths::EMAIL_LINK),
            Purpose::SignUp { .. } => (format!("Finish signing up for {site}"), paths::EMAIL_LINK),
            Purpose::Reauthenticate { .. } => ("Confirm that it is you".to_owned(), paths::EMAIL_LINK),
            Purpose::Confirm { .. } => (format!("Confirm your e-mail address for {site}"), paths::EMAIL_CONFIRM),
        };
        let words = Words {
            subject: &subject,
            head,
            name: self.name.map_or("", DisplayName::as_str),
            link: format!("{origin}{path}?token={}", self.link.encode()),
            code: self.code.expose(),
            minutes: ANSWER_LIFE.as_secs() / 60,
            hours: CONFIRMATION_LIFE.as_secs() / 3_600,
            asked: asked(self.client),
        };
        let w = &words;
        let (text, html) = match self.purpose {
            Purpose::Reauthenticate { .. } => (ReauthenticateText { w }.render(), ReauthenticateHtml { w }.render()),
            Purpose::Confirm { .. } => (ConfirmText { w }.render(), ConfirmHtml { w }.render()),
            Purpose::SignUp { .. } if self.name.is_none() => (SignUpText { w }.render(), SignUpHtml { w }.render()),
            _ => (SignInText { w }.render(), SignInHtml { w }.render()),
        };
        let failed = |cause: askama::Error| Unavailable::new("letter", cause);
        let recipient = deliverable(self.address).ok_or_else(|| Unavailable::new("letter", "undeliverable address"))?;
        let (text, html) = (text.map_err(failed)?, html.map_err(failed)?);
        Ok(Letter { id: self.id, recipient, subject, text, html })
    }
}

/// The words of a security letter.
struct Report<'a> {
    subject: &'a str,
    head: &'a Letterhead,
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
pub fn write_security_letter(
    id: LetterId,
    about: &SecurityLetter,
    link: &Token,
    head: &Letterhead,
) -> Result<Letter, Unavailable> {
    let (subject, said) = report(about);
    let to = |path: &str| format!("{}{path}?token={}", head.origin, link.encode());
    let words = Report {
        subject,
        head,
        name: about.name.as_str(),
        said,
        at: about.happened_at.to_words(),
        client: match about.occasion {
            Occasion::SignInLinkMade => "at the server of this site".to_owned(),
            _ => asked(&about.client),
        },
        undo: if about.can_undo { to(paths::EMAIL_UNDO) } else { String::new() },
        not_me: if about.user_id.is_some() { to(paths::NOT_ME) } else { String::new() },
        hours: ANSWERABLE.as_secs() / 3_600,
    };
    let failed = |cause: askama::Error| Unavailable::new("letter", cause);
    let recipient = deliverable(&about.address).ok_or_else(|| Unavailable::new("letter", "undeliverable address"))?;
    let w = &words;
    let (text, html) = (SecurityText { w }.render().map_err(failed)?, SecurityHtml { w }.render().map_err(failed)?);
    Ok(Letter { id, recipient, subject: subject.to_owned(), text, html })
}

/// The subject of a security letter, and what happened in a sentence.
fn report(about: &SecurityLetter) -> (&'static str, String) {
    let detail = about.detail.as_deref().unwrap_or("without a name");
    match about.occasion {
        Occasion::PasskeyAdded => {
            ("A passkey was added to your account", format!("A passkey was added to your account: {detail}."))
        }
        Occasion::PasskeyRemoved => {
            ("A passkey was removed from your account", format!("A passkey was removed from your account: {detail}."))
        }
        Occasion::AddressChanged if about.can_undo => (
            "Your e-mail address was changed",
            format!("The e-mail address of your account was changed from this one to {detail}."),
        ),
        Occasion::AddressChanged => (
            "Your e-mail address was changed",
            "The e-mail address of your account was changed to this one.".to_owned(),
        ),
        Occasion::AddressRestored => (
            "Your e-mail address was restored",
            "This is the e-mail address of your account again. Everybody was signed out.".to_owned(),
        ),
        Occasion::RecoveryCodesMade => (
            "New recovery codes were made",
            "New recovery codes were made for your account. Older ones no longer work.".to_owned(),
        ),
        Occasion::RecoveryCodeUsed => (
            "A recovery code was used",
            "Somebody signed in to your account with one of its recovery codes.".to_owned(),
        ),
        Occasion::NewDevice => (
            "A sign-in from a new device",
            "Somebody signed in to your account from a device that we had not seen before.".to_owned(),
        ),
        Occasion::CounterWentBack => (
            "A passkey may have been copied",
            format!(
                "A sign-in with your passkey {detail} was refused: its counter went back, as when two devices use one. \
                 Remove that passkey and make a new one."
            ),
        ),
        Occasion::Exported => (
            "A copy of your account's data was made",
            "Somebody downloaded a file with everything that is held about your account.".to_owned(),
        ),
        Occasion::Deleted => (
            "Your account was deleted",
            "Your account was deleted with everything in it: passkeys, sessions, recovery codes and activity."
                .to_owned(),
        ),
        Occasion::SignInLinkMade => (
            "A sign-in link was made for your account",
            "Those who run this site made a link that signs in to your account once, in any browser. They do that when \
             somebody who lost every way in has asked them."
                .to_owned(),
        ),
    }
}

/// From which browser and system, as far as it says.
fn asked(client: &views::Client) -> String {
    match (&client.browser, &client.system) {
        (Some(browser), Some(system)) => format!("from {browser} on {system}"),
        (Some(browser), None) => format!("from {browser}"),
        (None, Some(system)) => format!("from a browser on {system}"),
        (None, None) => "from an unknown browser".to_owned(),
    }
}
