//! The contents of emails. Their texts are in `templates/`.

use super::link_like::looks_like_link;
use super::translate::{Translator, device, translation_methods};
use crate::server::config::{Config, Palette};
use crate::server::model::Client;
use crate::server::model::email_queue::EmailId;
use crate::server::model::email_request::{CONFIRMATION_LIFE, Code, LINK_LIFE, Purpose};
use crate::server::model::user::deliverable;
use crate::server::secret::Token;
use crate::types::{DisplayName, EmailAddress, Language, paths};
use askama::Template;
use std::fmt::Display;

/// An email that is ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub id: EmailId,
    /// With the domain as A-labels, as mail servers accept it.
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The site's name, origin and colours, which are the same in all emails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branding {
    /// The public origin, which links lead to.
    pub origin: String,
    /// The name of the site.
    pub site: String,
    pub palette: Palette,
}

impl Branding {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            origin: config.public_url.origin().to_owned(),
            site: config.brand.name.clone(),
            palette: Palette {
                accent: config.brand.accent.unwrap_or(Palette::STYLE_SHEET.accent),
                ..Palette::STYLE_SHEET
            },
        }
    }
}

/// The parts of an email.
pub struct Draft<'a> {
    pub id: EmailId,
    pub address: &'a EmailAddress,
    /// The name in the greeting: only for the owner of a confirmed address.
    pub name: Option<&'a DisplayName>,
    pub purpose: &'a Purpose,
    pub client: &'a Client,
    pub language: Language,
    pub link: &'a Token,
    /// `None` if only the link is sent.
    pub code: Option<&'a Code>,
}

/// The values of an email template.
struct Values<'a> {
    subject: &'a str,
    language: Language,
    branding: &'a Branding,
    name: &'a str,
    link: String,
    code: &'a str,
    minutes: u64,
    hours: u64,
    /// The browser and system that requested the email.
    device: String,
}

macro_rules! templates {
    ($($name:ident = $path:literal;)*) => {$(
        #[derive(Template)]
        #[template(path = $path, config = "../src/server/mail/askama.toml")]
        struct $name<'a> {
            w: &'a Values<'a>,
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

/// Why an email cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    #[error("the address has no form that mail servers accept")]
    Address,
    #[error(transparent)]
    Template(#[from] askama::Error),
}

impl Draft<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// When the address has no form that mail servers accept, or a template fails.
    pub fn write(&self, branding: &Branding) -> Result<Email, Unwritable> {
        let (Branding { origin, site, .. }, translator) = (branding, Translator(self.language));
        let (subject, path) = match self.purpose {
            Purpose::SignIn { .. } | Purpose::BreakGlass { .. } => {
                (translator.with("Sign in to {}", site), paths::EMAIL_LINK)
            }
            // A sign-up with the address of an account signs in to that account.
            Purpose::SignUp { .. } if self.name.is_some() => {
                (translator.with("Sign in to {}", site), paths::EMAIL_LINK)
            }
            Purpose::SignUp { .. } => (translator.with("Finish signing up for {}", site), paths::EMAIL_LINK),
            Purpose::Reauthenticate { .. } => (translator.t("Confirm it's you").to_owned(), paths::EMAIL_LINK),
            Purpose::Confirm { .. } => {
                (translator.with("Confirm your email address for {}", site), paths::EMAIL_CONFIRM)
            }
        };
        let values = Values {
            subject: &subject,
            language: self.language,
            branding,
            name: self.name.map(DisplayName::as_str).filter(|name| !looks_like_link(name)).unwrap_or_default(),
            link: format!("{origin}{path}?token={}", self.link.encode()),
            code: self.code.map(Code::expose).unwrap_or_default(),
            minutes: LINK_LIFE.as_secs() / 60,
            hours: CONFIRMATION_LIFE.as_secs() / 3_600,
            device: device(self.client, translator),
        };
        let w = &values;
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

translation_methods! { Values }
